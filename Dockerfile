# syntax=docker/dockerfile:1

# The pages: built with the development packages, which stay in this stage.
FROM node:24-bookworm-slim AS pages
WORKDIR /app
COPY package.json package-lock.json ./
# With optional packages: the bundler's own binary is one of them.
RUN npm ci --include=optional --no-audit --no-fund
COPY placements ./placements
COPY src/http/schemas.ts ./src/http/schemas.ts
RUN npm run build:pages

# What runs: no development packages, no second Node, no embedded PostgreSQL.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=pages /app/dist/pages ./dist/pages
COPY package.json manifest.json ./
COPY migrations ./migrations
COPY src ./src
USER node
EXPOSE 3000
# ROLE=worker serves no HTTP: there the process itself is the sign of life.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "if (process.env.ROLE === 'worker') process.exit(0); fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# DATABASE_URL (PostgreSQL 18) and APP_SECRET are required, PUBLIC_URL, BITRIX_CLIENT_ID and BITRIX_CLIENT_SECRET in any real use.
CMD ["node", "src/main.ts"]
