import { describe, expect, it } from '@jest/globals'
import { bestAttempt, dueAt, openAttempt, transition } from '../../src/domain/cascade.ts'
import {
  accepted, acted, at, blocked, bounced, callTask, clinicSteps, given, leaving, looked, lookFailed, lost, movedOn, notification, receipt, rejected, replied, sent, started, step, stopped, tried, woke,
} from './story.ts'

/** The first step is out since 0:00 and nobody has said more. */
const waitingInWhatsApp = () => given(notification()).when(started(), looked(at(0)), sent(0, at(0)))
/** WhatsApp stayed silent, Telegram is out since 1:00. */
const waitingInTelegram = () => waitingInWhatsApp().when(woke(at(60)), looked(at(60)), sent(1, at(60)))

describe('the beginning', () => {
  it('looks at the deal before anything is sent', () => {
    const story = given(notification()).when(started())
    expect(story.delivery.phase).toBe('looking')
    story.then('running', ['look'])
  })

  it('B1: sends the first step and arms its timer after the first look', () => {
    const { delivery } = given(notification()).when(started()).when(looked(at(0))).then('trying', ['send 0 at 0m', 'wake at 60m', 'record']).thenAttempts('waiting')
    expect(delivery).toMatchObject({ stageId: 'PREPARATION', contactId: '5', contactName: 'Анна', responsibleId: '1', step: 0 })
    expect(delivery.attempts[0]).toMatchObject({ id: tried(0), to: '+79160000001', tries: 0, budgetMs: 3_600_000 })
  })

  it('does not begin again', () => {
    waitingInWhatsApp().when(started()).thenNothing()
  })

  it('ends at once as not reached where the route has no steps', () => {
    given(notification([])).when(started(), looked(at(0))).then('notReached', ['look', 'record', 'answerRobot', 'trigger not_reached'])
  })
})

describe('B1, B2: from step to step', () => {
  it('waits for the proof as long as the step says, from acceptance on', () => {
    const story = given(notification()).when(looked(at(0)), leaving(0, at(2)), accepted(0, at(2)))
    expect(dueAt(story.delivery)).toBe(at(62))
    story.when(woke(at(60))).then('trying', ['wake at 62m'])
    story.when(woke(at(62))).then('looking', ['look', 'record', 'withdraw'])
  })

  it('goes on when the time is over without the proof', () => {
    waitingInWhatsApp().when(woke(at(60))).then('looking', ['look', 'record', 'withdraw']).when(looked(at(60))).then('trying', ['send 1 at 60m', 'wake at 120m', 'record']).thenAttempts('out/accepted', 'waiting')
  })

  it('F39: does not take acceptance or "sent" for delivery', () => {
    waitingInWhatsApp().when(receipt(0, 'sent', at(1))).then('trying', ['record']).when(woke(at(60))).then('looking', ['look', 'record'])
  })

  it('F38: a step that is only "sent" does not keep the next one from leaving', () => {
    waitingInWhatsApp().when(receipt(0, 'sent', at(1)), woke(at(60)), looked(at(60)), leaving(1, at(60))).then('running', ['record', 'look', 'record', 'send 1 at 60m', 'wake at 120m', 'record']).thenAttempts('out/sent', 'sending')
  })

  it('walks the whole route to the task for staff', () => {
    given(notification())
      .when(looked(at(0)), sent(0, at(0)), woke(at(60)), looked(at(60)), sent(1, at(60)), woke(at(120)), looked(at(120)), sent(2, at(120)), woke(at(150)), looked(at(150)), sent(3, at(150)), woke(at(180)))
      .when(looked(at(180)))
      .then('notReached', ['task until 300m', 'record', 'answerRobot', 'trigger not_reached'])
      .thenAttempts('out', 'out', 'out', 'out')
  })

  it('ends without a task where the route has none', () => {
    const { delivery } = given(notification([step('sms', 'delivered', 30)]))
      .when(looked(at(0)), sent(0, at(0)), woke(at(30)))
      .when(looked(at(30)))
      .then('notReached', ['record', 'answerRobot', 'trigger not_reached'])
    expect(delivery).toMatchObject({ phase: 'closed', closedAt: at(30), taskGiven: false })
  })

  for (const failure of ['recipientPermanent', 'recipientTemporary', 'channelPermanent', 'channelTemporary', 'content', 'optOut'] as const) {
    it(`goes on at once when the vendor refuses: ${failure}`, () => {
      given(notification()).when(looked(at(0)), leaving(0, at(0))).when(rejected(0, at(0), failure)).then('looking', ['look', 'record']).thenAttempts('failed')
    })
  }

  it('goes on at once when a receipt says that it did not arrive', () => {
    waitingInWhatsApp().when(bounced(0, at(5))).then('looking', ['look', 'record', 'withdraw']).thenAttempts('failed/accepted')
  })
})

describe('B3: the proof that a step waits for', () => {
  it('ends the cascade, answers the robot and fires the level as a trigger', () => {
    const { delivery } = waitingInWhatsApp().when(receipt(0, 'delivered', at(3))).then('reached', ['record', 'answerRobot', 'trigger delivered'])
    expect(delivery).toMatchObject({ phase: 'closed', closedAt: at(3) })
  })

  it('a stronger proof than asked for counts, and implies the weaker triggers', () => {
    waitingInWhatsApp().when(receipt(0, 'read', at(3))).then('reached', ['record', 'answerRobot', 'trigger delivered', 'trigger read']).thenAttempts('out/read')
  })

  it('a weaker one is recorded, fires its trigger and waits on', () => {
    waitingInTelegram().when(receipt(1, 'read', at(61))).then('trying', ['record', 'trigger delivered', 'trigger read']).thenAttempts('out', 'out/read')
  })

  it('acceptance is proof where the step asks for no more', () => {
    given(notification([step('max', 'accepted', 30)])).when(looked(at(0)), leaving(0, at(0))).when(accepted(0, at(0))).then('reached', ['record', 'answerRobot'])
  })
})

describe('B4: a step that cannot reach the patient', () => {
  for (const reason of ['noAddress', 'neverStarted', 'blocked', 'connectionOff'] as const) {
    it(`is skipped without waiting: ${reason}`, () => {
      const { delivery } = given(notification()).when(looked(at(0), { none: { whatsapp: reason } })).then('trying', ['send 1 at 0m', 'wake at 60m', 'record']).thenAttempts('skipped', 'waiting')
      expect(delivery.attempts[0]).toMatchObject({ skip: reason, tries: 0 })
    })
  }

  it('several at once are skipped in one look', () => {
    given(notification()).when(looked(at(0), { none: { whatsapp: 'noAddress', telegram: 'neverStarted', max: 'blocked' } })).then('trying', ['send 3 at 0m', 'wake at 30m', 'record']).thenAttempts('skipped', 'skipped', 'skipped', 'waiting')
  })

  it('when no step is left the task is given at once', () => {
    given(notification()).when(looked(at(0), { none: { whatsapp: 'noAddress', telegram: 'neverStarted', max: 'neverStarted', sms: 'noAddress' } })).then('notReached', ['task until 120m', 'record', 'answerRobot', 'trigger not_reached'])
  })

  it('a receipt or a press for it changes nothing', () => {
    given(notification()).when(looked(at(0), { none: { whatsapp: 'noAddress' } })).when(receipt(0, 'read', at(1)), acted(0, 'confirm', at(1)), bounced(0, at(1))).thenNothing()
  })

  it('a connection that the route knows and the look does not is skipped as not looked at', () => {
    const { delivery } = given(notification([step('unknown', 'delivered', 5), step('sms', 'delivered', 5)])).when(looked(at(0))).thenAttempts('skipped', 'waiting')
    expect(delivery.attempts[0]!.skip).toBe('notLooked')
  })
})

describe('B2: trying again inside the step', () => {
  it('repeats a transient refusal after 2 and 8 seconds, then goes on', () => {
    given(notification())
      .when(looked(at(0)), leaving(0, at(0)))
      .when(rejected(0, at(0), 'transient'))
      .then('trying', ['send 0 at 0m2s'])
      .thenAttempts('waiting')
      .when(leaving(0, at(0, 2)))
      .when(rejected(0, at(0, 2), 'transient'))
      .then('trying', ['send 0 at 0m10s'])
      .when(leaving(0, at(0, 10)))
      .when(rejected(0, at(0, 10), 'transient'))
      .then('looking', ['look', 'record'])
  })

  it('waits as long as the vendor says, and by growing pauses when it does not', () => {
    const story = given(notification()).when(looked(at(0)), leaving(0, at(0)))
    story.when(rejected(0, at(0), 'rateLimited', 90)).then('trying', ['send 0 at 1m30s'])
    story
      .when(rejected(0, at(0), 'rateLimited'))
      .then('trying', ['send 0 at 0m4s'])
      .when(leaving(0, at(0, 4)))
      .when(rejected(0, at(0, 4), 'rateLimited'))
      .then('trying', ['send 0 at 0m20s'])
  })

  it('a rate limit is waited out as often as it fits into the step', () => {
    let story = given(notification()).when(looked(at(0)))
    for (let minute = 0; minute < 50; minute += 10) story = story.when(leaving(0, at(minute)), rejected(0, at(minute), 'rateLimited', 600)).then('trying', [`send 0 at ${minute + 10}m`])
  })

  it('goes on at once when the vendor\'s pause is longer than the step', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0))).when(rejected(0, at(0), 'rateLimited', 65 * 60)).then('looking', ['look', 'record']).thenAttempts('failed')
  })

  it('does not repeat for a step that is over', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(64)), replied('sms', at(64))).when(rejected(0, at(64, 30), 'transient')).then('reached', ['record']).thenAttempts('failed')
  })

  it('a delivery that waits for a rate slot is not robbed of its step: the proof has its whole time after acceptance', () => {
    const story = given(notification()).when(looked(at(0)), leaving(0, at(0)), rejected(0, at(0), 'rateLimited', 600), leaving(0, at(10)), accepted(0, at(10)))
    expect(dueAt(story.delivery)).toBe(at(70))
  })
})

describe('the grace for acceptance', () => {
  it('a step that nobody accepted ends five minutes after its time', () => {
    const story = given(notification()).when(looked(at(0)))
    story.when(woke(at(60))).then('trying', ['wake at 65m']).when(woke(at(65))).then('looking', ['look', 'record']).thenAttempts('waiting')
  })

  it('nothing leaves once it is over, though its turn has come at last', () => {
    given(notification()).when(looked(at(0))).when(leaving(0, at(65))).thenNothing()
    given(notification()).when(looked(at(0))).when(leaving(0, at(64, 59))).thenAttempts('sending')
  })

  it('acceptance after the armed moment arms the new one', () => {
    const short = [step('max', 'read', 1), callTask()]
    given(notification(short)).when(looked(at(0)), leaving(0, at(0)), woke(at(1))).then('trying', ['send 0 at 0m', 'wake at 1m', 'record', 'wake at 6m'])
      .when(accepted(0, at(2))).then('trying', ['record', 'wake at 3m'])
      .when(woke(at(3))).then('looking', ['look', 'record', 'withdraw'])
  })
})

describe('I2, I3: one at a time, and nothing after the end', () => {
  it('an attempt that was overtaken does not leave', () => {
    const story = given(notification()).when(looked(at(0)), blocked('whatsapp', at(1)), looked(at(1)))
    story.thenAttempts('failed', 'waiting')
    story.when(leaving(0, at(1))).thenNothing()
  })

  for (const [what, event] of [['proof', receipt(0, 'delivered', at(61))], ['a reply', replied('max', at(61))], ['a press', acted(0, 'move', at(61))], ['a stop', stopped(at(61))]] as const) {
    it(`the next step does not leave after ${what} that came between its choice and its call`, () => {
      waitingInWhatsApp().when(woke(at(60)), looked(at(60)), event).when(leaving(1, at(61))).thenNothing()
    })

    it(`no step is chosen after ${what} that came while the deal was looked at`, () => {
      waitingInWhatsApp().when(woke(at(60)), event).when(looked(at(61))).thenNothing()
    })
  }

  it('one attempt leaves once, however often it is told to', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0))).when(leaving(0, at(0))).thenNothing()
  })

  it('wakes that come late or twice change nothing', () => {
    const story = waitingInWhatsApp().when(woke(at(60)))
    story.when(woke(at(60)), woke(at(61))).thenNothing()
    waitingInWhatsApp().when(receipt(0, 'read', at(1))).when(woke(at(60))).thenNothing()
  })

  it('an early wake only arms itself again', () => {
    waitingInWhatsApp().when(woke(at(30))).then('trying', ['wake at 60m'])
  })
})

describe('B12: at most once per channel', () => {
  it('F05: a send that timed out is not sent again; the cascade goes on by its timer', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0))).when(lost(0, at(0, 30))).then('trying', ['record']).thenAttempts('unknown')
      .when(leaving(0, at(1))).thenNothing()
      .when(woke(at(60))).then('trying', ['wake at 65m'])
      .when(woke(at(65))).then('looking', ['look', 'record', 'withdraw']).thenAttempts('unknown')
  })

  it('F06: the answer that comes after we gave up still counts', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0)), lost(0, at(0, 15))).when(accepted(0, at(0, 35))).then('trying', ['record']).thenAttempts('out/accepted')
      .when(receipt(0, 'delivered', at(1))).then('reached', ['record', 'answerRobot', 'trigger delivered'])
  })

  it('a receipt heals what had no answer', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0)), lost(0, at(0, 15))).when(receipt(0, 'delivered', at(1))).then('reached', ['record', 'answerRobot', 'trigger delivered'])
  })

  it('F09: a receipt that comes before the answer of its send counts, and the answer after it too', () => {
    const { delivery } = given(notification()).when(looked(at(0)), leaving(0, at(0)), receipt(0, 'sent', at(0, 1))).when(accepted(0, at(0, 2))).then('trying', []).thenAttempts('out/sent')
    expect(delivery.attempts[0]).toMatchObject({ externalId: 'external-0', times: { accepted: at(0, 2), sent: at(0, 1) } })
    given(notification()).when(looked(at(0)), leaving(0, at(0)), receipt(0, 'sent', at(0, 1))).when(lost(0, at(1))).thenNothing()
  })

  it('a refusal is no licence to repeat once a receipt has said that it is out', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0)), receipt(0, 'sent', at(0, 1))).when(rejected(0, at(0, 2), 'transient')).thenNothing()
  })

  it('a repetition that is not needed any more does not leave', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0)), rejected(0, at(0), 'transient'), receipt(0, 'sent', at(0, 1))).when(leaving(0, at(0, 2))).thenNothing()
  })

  it('a second acceptance of one attempt changes nothing', () => {
    waitingInWhatsApp().when(accepted(0, at(1), 'another')).thenNothing()
  })
})

describe('I4: receipts', () => {
  it('F07: "sent" after "delivered" lowers nothing', () => {
    const { delivery } = waitingInTelegram().when(receipt(1, 'delivered', at(61))).when(receipt(1, 'sent', at(62))).then('trying', []).thenAttempts('out', 'out/delivered')
    expect(delivery.attempts[1]!.times).toEqual({ accepted: at(60), delivered: at(61), sent: at(62) })
  })

  it('F08: a late "sent" does not erase a failure', () => {
    const { delivery } = waitingInWhatsApp().when(bounced(0, at(1))).when(receipt(0, 'sent', at(2))).then('looking', ['record']).thenAttempts('failed/sent')
    expect(delivery.attempts[0]!.failure).toMatchObject({ code: 'undeliverable' })
  })

  it('F08: a failure after "delivered" is not believed', () => {
    waitingInTelegram().when(receipt(1, 'delivered', at(61))).when(bounced(1, at(62))).thenNothing()
  })

  it('"delivered" after a failure takes it back', () => {
    const { delivery } = waitingInWhatsApp().when(bounced(0, at(1))).when(receipt(0, 'delivered', at(2))).then('reached', ['record', 'answerRobot', 'trigger delivered']).thenAttempts('out/delivered')
    expect(delivery.attempts[0]!.failure).toBeUndefined()
  })

  it('F04, F10: a repeated receipt changes nothing', () => {
    const story = waitingInTelegram().when(receipt(1, 'delivered', at(61)))
    story.when(receipt(1, 'delivered', at(61))).thenNothing()
    story.when(receipt(1, 'delivered', at(99))).thenNothing()
  })

  it('of two failures the earlier is kept, in whatever order they come', () => {
    const one = waitingInWhatsApp().when(bounced(0, at(2), 'b'), bounced(0, at(1), 'a')).delivery.attempts[0]
    const other = waitingInWhatsApp().when(bounced(0, at(1), 'a'), bounced(0, at(2), 'b')).delivery.attempts[0]
    expect(one).toEqual(other)
    expect(one!.failure).toMatchObject({ code: 'a', at: at(1) })
  })

  it('a receipt of an attempt that was never made changes nothing', () => {
    waitingInWhatsApp().when(receipt(3, 'read', at(1)), accepted(3, at(1)), rejected(3, at(1), 'content'), lost(3, at(1)), acted(3, 'confirm', at(1))).thenNothing()
  })
})

describe('late truth', () => {
  it('F40: a proof of an earlier step ends the cascade while a later one waits', () => {
    waitingInTelegram().when(receipt(0, 'delivered', at(70))).then('reached', ['record', 'answerRobot', 'trigger delivered', 'withdraw']).when(woke(at(120))).thenNothing()
  })

  it('corrects "not reached", without a second answer to the robot and without calling the task back', () => {
    const story = given(notification([step('sms', 'delivered', 30), callTask()])).when(looked(at(0)), sent(0, at(0)), woke(at(30)), looked(at(30)))
    const { delivery } = story.when(receipt(0, 'delivered', at(45))).then('reached', ['record', 'trigger delivered']).thenFired('not_reached', 'delivered')
    expect(delivery).toMatchObject({ closedAt: at(30), taskGiven: true })
  })

  it('is noted after a stop, but neither reopens it nor moves the deal', () => {
    waitingInWhatsApp().when(stopped(at(1))).when(receipt(0, 'read', at(2))).then('stopped', ['record']).thenAttempts('out/read').thenFired('stopped')
  })

  it('a failure after the end is noted and starts nothing', () => {
    waitingInTelegram().when(stopped(at(61))).when(bounced(1, at(62))).then('stopped', ['record']).thenAttempts('out', 'failed')
  })

  it('a stronger proof after the end makes the record better', () => {
    waitingInWhatsApp().when(receipt(0, 'delivered', at(1))).when(receipt(0, 'read', at(9))).then('reached', ['record', 'trigger read']).thenFired('delivered', 'read')
  })
})

describe('B7: buttons', () => {
  for (const [answer, code] of [['confirm', 'confirmed'], ['move', 'moved'], ['cancel', 'cancelled']] as const) {
    it(`"${answer}" is proof, ends the cascade and fires its trigger`, () => {
      const { delivery } = waitingInTelegram().when(acted(1, answer, at(65))).then('reached', ['record', 'answerRobot', 'trigger delivered', 'trigger read', `trigger ${code}`])
      expect(delivery.answer).toBe(answer)
    })
  }

  it('a press counts whatever the step waits for', () => {
    waitingInWhatsApp().when(acted(0, 'confirm', at(1))).then('reached', ['record', 'answerRobot', 'trigger delivered', 'trigger read', 'trigger confirmed'])
  })

  it('a press under an earlier step\'s message counts while a later one waits', () => {
    waitingInTelegram().when(acted(0, 'confirm', at(61))).then('reached', ['record', 'answerRobot', 'trigger delivered', 'trigger read', 'trigger confirmed', 'withdraw'])
  })

  it('a double tap counts once', () => {
    waitingInTelegram().when(acted(1, 'confirm', at(65))).when(acted(1, 'confirm', at(65, 1))).thenNothing()
  })

  it('a changed mind is the last word: the answer and a trigger of its own, no second answer to the robot', () => {
    const story = waitingInTelegram().when(acted(1, 'confirm', at(65))).when(acted(1, 'cancel', at(70))).then('reached', ['record', 'trigger cancelled'])
    expect(story.delivery.answer).toBe('cancel')
    expect(story.when(acted(1, 'confirm', at(75))).then('reached', ['record']).delivery.answer).toBe('confirm')
  })

  it('a press after the proof fires its trigger', () => {
    waitingInWhatsApp().when(receipt(0, 'read', at(1))).when(acted(0, 'confirm', at(2))).then('reached', ['record', 'trigger confirmed'])
  })

  it('a press after "not reached" corrects it', () => {
    given(notification([step('max', 'acted', 30), callTask()])).when(looked(at(0)), sent(0, at(0)), woke(at(30)), looked(at(30))).when(acted(0, 'confirm', at(40))).then('reached', ['record', 'trigger delivered', 'trigger read', 'trigger confirmed'])
  })

  it('a press after a stop is kept for the record, but moves no deal', () => {
    const { delivery } = waitingInWhatsApp().when(stopped(at(1))).when(acted(0, 'confirm', at(2))).then('stopped', ['record']).thenFired('stopped')
    expect(delivery.answer).toBe('confirm')
  })

  it('a press heals a failure: nobody presses under what they have not got', () => {
    waitingInWhatsApp().when(bounced(0, at(1))).when(acted(0, 'confirm', at(2))).thenAttempts('out/acted')
  })
})

describe('B8: a reply', () => {
  it('ends the cascade', () => {
    const { delivery } = waitingInWhatsApp().when(replied('whatsapp', at(5))).then('reached', ['record', 'answerRobot', 'trigger delivered', 'trigger read', 'trigger replied']).thenAttempts('out/acted')
    expect(delivery.answer).toBe('replied')
  })

  it('in another channel ends it too, and proves nothing of the attempts', () => {
    waitingInWhatsApp().when(replied('max', at(5))).then('reached', ['record', 'answerRobot', 'trigger replied', 'withdraw']).thenAttempts('out/accepted')
  })

  it('before anything left ends it', () => {
    given(notification()).when(looked(at(0))).when(replied('whatsapp', at(0))).then('reached', ['record', 'answerRobot', 'trigger replied']).thenAttempts('waiting').when(leaving(0, at(0))).thenNothing()
    given(notification()).when(replied('whatsapp', at(0))).then('reached', ['record', 'answerRobot', 'trigger replied'])
  })

  it('in the channel of an earlier step is that step\'s proof', () => {
    waitingInTelegram().when(replied('whatsapp', at(70))).thenAttempts('out/acted', 'out/accepted')
  })

  it('does not make good what was refused: the message never got there', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0)), rejected(0, at(0), 'recipientPermanent')).when(replied('whatsapp', at(5))).then('reached', ['record', 'answerRobot', 'trigger replied']).thenAttempts('failed')
  })

  it('counts once', () => {
    waitingInWhatsApp().when(replied('whatsapp', at(5))).when(replied('whatsapp', at(6)), replied('sms', at(6))).thenNothing()
  })
})

describe('a patient who closes the chat', () => {
  it('while the message waits there: the next step at once', () => {
    waitingInTelegram().when(blocked('telegram', at(61))).then('looking', ['look', 'record', 'withdraw']).thenAttempts('out', 'failed')
  })

  it('before it left: it never does', () => {
    given(notification()).when(looked(at(0))).when(blocked('whatsapp', at(0))).then('looking', ['look', 'record']).when(leaving(0, at(0))).thenNothing()
  })

  it('keeps a proof that was given before', () => {
    waitingInTelegram().when(receipt(1, 'read', at(61))).when(blocked('telegram', at(62))).thenNothing()
  })

  it('elsewhere: nothing changes here', () => {
    waitingInTelegram().when(blocked('max', at(61)), blocked('whatsapp', at(61))).thenNothing()
  })
})

describe('B9: a deadline', () => {
  it('shrinks the steps in proportion, so that the later ones still fit', () => {
    // 60 + 60 + 30 + 30 minutes are wanted, 90 are left.
    const { delivery } = given(notification(clinicSteps, { deadlineAt: at(90) })).when(looked(at(0))).then('trying', ['send 0 at 0m', 'wake at 30m', 'record'])
    expect(delivery.attempts[0]!.budgetMs).toBe(30 * 60_000)
  })

  it('shares what is really left anew at each step', () => {
    given(notification(clinicSteps, { deadlineAt: at(90) })).when(looked(at(0)), leaving(0, at(0)), rejected(0, at(0), 'content')).when(looked(at(30))).then('trying', ['send 1 at 30m', 'wake at 60m', 'record'])
  })

  it('leaves the task to be given at the deadline at the latest', () => {
    given(notification([step('sms', 'delivered', 60), callTask()], { deadlineAt: at(30) })).when(looked(at(0)), sent(0, at(0)), woke(at(30))).when(looked(at(30))).then('notReached', ['task until 150m', 'record', 'answerRobot', 'trigger not_reached'])
  })

  it('leaves the steps as they are when there is time enough', () => {
    given(notification(clinicSteps, { deadlineAt: at(1000) })).when(looked(at(0))).then('trying', ['send 0 at 0m', 'wake at 60m', 'record'])
  })

  it('a step never lasts beyond it, with or without acceptance', () => {
    const story = given(notification([step('sms', 'delivered', 30)], { deadlineAt: at(20) })).when(looked(at(0))).then('trying', ['send 0 at 0m', 'wake at 20m', 'record'])
    expect(dueAt(story.delivery)).toBe(at(20))
    expect(dueAt(story.when(leaving(0, at(19)), accepted(0, at(19))).delivery)).toBe(at(20))
    story.when(woke(at(20))).then('looking', ['look', 'record']).when(looked(at(20))).then('notReached', ['record', 'answerRobot', 'trigger not_reached'])
  })

  it('nothing leaves at or after it', () => {
    given(notification([step('sms', 'delivered', 30)], { deadlineAt: at(20) })).when(looked(at(0))).when(leaving(0, at(20))).thenNothing()
  })

  it('once over, only the task is left', () => {
    given(notification(clinicSteps, { deadlineAt: at(-1) })).when(looked(at(0))).then('notReached', ['task until 120m', 'record', 'answerRobot', 'trigger not_reached']).thenAttempts()
  })

  it('a retry that would come after it is not made', () => {
    given(notification([step('sms', 'delivered', 30), callTask()], { deadlineAt: at(1) })).when(looked(at(0)), leaving(0, at(0))).when(rejected(0, at(0), 'rateLimited', 90)).then('looking', ['look', 'record'])
  })
})

describe('B10: the world is looked at again before each step', () => {
  const after = () => waitingInWhatsApp().when(woke(at(60)))

  it('a deleted deal stops it', () => {
    const { delivery } = after().when(looked(at(60), { isDealDeleted: true })).then('stopped', ['record', 'answerRobot', 'trigger stopped'])
    expect(delivery).toMatchObject({ stopReason: 'dealDeleted', closedAt: at(60), phase: 'closed' })
  })

  for (const [reason, deal] of [['dealClosed', { isClosed: true }], ['dealMoved', { stageId: 'EXECUTING' }], ['contactChanged', { contactId: '6' }], ['contactChanged', { contactId: undefined }]] as const) {
    it(`${reason} stops it: ${JSON.stringify(deal)}`, () => {
      expect(after().when(looked(at(60), { deal })).then('stopped', ['record', 'answerRobot', 'trigger stopped']).delivery.stopReason).toBe(reason)
    })
  }

  it('a deal that moved stops nothing where the route says so', () => {
    given(notification(clinicSteps, {}, false)).when(looked(at(0)), sent(0, at(0)), woke(at(60))).when(looked(at(60), { deal: { stageId: 'EXECUTING' } })).then('trying', ['send 1 at 60m', 'wake at 120m', 'record'])
  })

  it('a closed or deleted deal stops it before the first step', () => {
    given(notification()).when(looked(at(0), { deal: { isClosed: true } })).then('stopped', ['record', 'answerRobot', 'trigger stopped']).thenAttempts()
    given(notification()).when(looked(at(0), { isDealDeleted: true })).then('stopped', ['record', 'answerRobot', 'trigger stopped'])
  })

  it('an address that is gone or new by then is what counts', () => {
    after().when(looked(at(60), { none: { telegram: 'blocked' } })).then('trying', ['send 2 at 60m', 'wake at 90m', 'record']).thenAttempts('out', 'skipped', 'waiting')
  })

  it('the removal of the application stops it, once', () => {
    expect(waitingInWhatsApp().when(stopped(at(1))).then('stopped', ['record', 'answerRobot', 'trigger stopped', 'withdraw']).when(stopped(at(2))).thenNothing().delivery.stopReason).toBe('appRemoved')
  })

  it('a stop after the end changes nothing', () => {
    waitingInWhatsApp().when(receipt(0, 'read', at(1))).when(stopped(at(2))).thenNothing()
  })
})

describe('a portal that cannot be asked', () => {
  it('at the first look: nobody is known, so the look is waited for', () => {
    given(notification()).when(lookFailed(at(1))).thenNothing()
  })

  it('later: what was known before serves', () => {
    waitingInWhatsApp().when(woke(at(60))).when(lookFailed(at(61))).then('trying', ['send 1 at 61m', 'wake at 121m', 'record'])
  })

  it('for good: every channel is skipped and the task waits for the portal', () => {
    given(notification()).when(lookFailed(at(1440), true)).then('notReached', ['task until 1560m', 'record', 'answerRobot', 'trigger not_reached']).thenAttempts('skipped', 'skipped', 'skipped', 'skipped')
  })

  it('a failed look that comes when nobody looks changes nothing', () => {
    waitingInWhatsApp().when(lookFailed(at(1)), lookFailed(at(1), true), looked(at(1), { isDealDeleted: true })).thenNothing()
  })
})

describe('once in the life of a delivery', () => {
  it('each trigger and the answer to the robot', () => {
    const effects = [
      looked(at(0)), ...sent(0, at(0)), woke(at(60)), looked(at(60)), ...sent(1, at(60)), receipt(0, 'delivered', at(61)), receipt(0, 'read', at(62)), receipt(1, 'delivered', at(62)), receipt(1, 'read', at(63)),
      acted(1, 'confirm', at(64)), acted(0, 'confirm', at(65)), acted(1, 'move', at(66)), acted(1, 'confirm', at(67)), replied('sms', at(68)), stopped(at(69)),
    ].reduce(
      (told, event) => {
        const next = transition(told.delivery, event)
        return { delivery: next.delivery, effects: [...told.effects, ...next.effects] }
      },
      { delivery: notification(), effects: [] as ReturnType<typeof transition>['effects'] },
    ).effects
    const codes = effects.flatMap((effect) => (effect.type === 'fireTrigger' ? [effect.code] : []))
    expect(codes).toEqual(['delivered', 'read', 'confirmed', 'moved'])
    expect(effects.filter((effect) => effect.type === 'answerRobot')).toHaveLength(1)
  })
})

describe('an employee', () => {
  it('gives up the open step at once, and the next one is looked for', () => {
    waitingInWhatsApp().when(movedOn(at(5))).then('looking', ['look', 'record', 'withdraw']).when(looked(at(5))).then('trying', ['send 1 at 5m', 'wake at 65m', 'record']).thenAttempts('out', 'waiting')
  })

  it('who presses twice passes over one step only, and what was not sent yet never leaves', () => {
    const story = given(notification()).when(looked(at(0)), movedOn(at(1)))
    story.when(movedOn(at(1))).thenNothing().when(leaving(0, at(1))).thenNothing()
    given(notification()).when(started()).when(movedOn(at(0))).thenNothing()
  })

  it('I3: moves nothing on after the end, and a receipt of the step that was given up still ends the cascade', () => {
    waitingInWhatsApp().when(receipt(0, 'delivered', at(1))).when(movedOn(at(2))).thenNothing()
    waitingInWhatsApp().when(movedOn(at(5)), looked(at(5))).when(receipt(0, 'delivered', at(6))).then('reached', ['record', 'answerRobot', 'trigger delivered'])
  })

  it('on the last messenger leaves the task to staff', () => {
    given(notification([step('sms', 'delivered', 30), callTask()])).when(looked(at(0)), sent(0, at(0)), movedOn(at(3))).when(looked(at(3))).then('notReached', ['task until 123m', 'record', 'answerRobot', 'trigger not_reached'])
  })

  it('stops the cascade, and the reason says who', () => {
    const stop = { type: 'stopped', reason: 'operator', at: at(1) } as const
    expect(waitingInWhatsApp().when(stop).then('stopped', ['record', 'answerRobot', 'trigger stopped', 'withdraw']).when(movedOn(at(2))).thenNothing().delivery.stopReason).toBe('operator')
  })
})

describe('what is open, and what counts', () => {
  it('openAttempt is the one that is waited for, and none while the deal is looked at or after the end', () => {
    expect(openAttempt(notification())).toBeUndefined()
    expect(openAttempt(waitingInTelegram().delivery)?.id).toBe(tried(1))
    expect(openAttempt(waitingInWhatsApp().when(woke(at(60))).delivery)).toBeUndefined()
    expect(openAttempt(waitingInWhatsApp().when(stopped(at(1))).delivery)).toBeUndefined()
    expect(dueAt(notification())).toBeUndefined()
  })

  it('bestAttempt is the strongest proof, the earliest of equals, never a failed one', () => {
    expect(bestAttempt(notification())).toBeUndefined()
    expect(bestAttempt(waitingInTelegram().delivery)?.id).toBe(tried(0))
    expect(bestAttempt(waitingInTelegram().when(receipt(1, 'sent', at(61))).delivery)?.id).toBe(tried(1))
    expect(bestAttempt(waitingInWhatsApp().when(receipt(0, 'sent', at(1)), bounced(0, at(2))).delivery)).toBeUndefined()
  })
})

describe('F40: what waits at a vendor', () => {
  it('is asked back once the cascade has left it, and once only', () => {
    const story = waitingInWhatsApp().when(woke(at(60))).then('looking', ['look', 'record', 'withdraw'])
    story.when(looked(at(60)), sent(1, at(60))).when(receipt(1, 'delivered', at(61))).then('trying', ['record', 'trigger delivered'])
  })

  it('is asked back when its acceptance comes after the step', () => {
    given(notification()).when(looked(at(0)), leaving(0, at(0)), woke(at(65))).when(accepted(0, at(66))).then('looking', ['record', 'withdraw'])
  })

  it('is not asked back when the vendor said that it left', () => {
    waitingInWhatsApp().when(receipt(0, 'sent', at(1))).when(woke(at(60))).then('looking', ['look', 'record'])
  })

  it('is not asked back when its acceptance was what the step waited for', () => {
    given(notification([step('sms', 'accepted', 30)])).when(looked(at(0)), leaving(0, at(0))).when(accepted(0, at(0))).then('reached', ['record', 'answerRobot'])
  })
})
