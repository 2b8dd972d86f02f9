import { mount } from '../shared/frame.ts'
import App from './App.vue'

void mount(App, { isGuest: true })
