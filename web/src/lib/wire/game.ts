// Made by `cargo xtask types` from the crate raidcast-shared. Do not edit.
import type { Role } from './types';

export interface GameClass {
  id: number;
  name: string;
  color: string;
  specs: [number, number];
}

export interface GameSpec {
  id: number;
  name: string;
  classId: number;
  role: Role;
}

export const CLASSES: GameClass[] = [
  {
    "id": 1,
    "name": "Stormblade",
    "color": "#674598",
    "specs": [
      1,
      2
    ]
  },
  {
    "id": 2,
    "name": "Frost Mage",
    "color": "#4de3d1",
    "specs": [
      3,
      4
    ]
  },
  {
    "id": 3,
    "name": "Flame Berserker",
    "color": "#e8622c",
    "specs": [
      5,
      6
    ]
  },
  {
    "id": 4,
    "name": "Wind Knight",
    "color": "#0099c6",
    "specs": [
      7,
      8
    ]
  },
  {
    "id": 5,
    "name": "Verdant Oracle",
    "color": "#66aa00",
    "specs": [
      9,
      10
    ]
  },
  {
    "id": 9,
    "name": "Heavy Guardian",
    "color": "#b38915",
    "specs": [
      11,
      12
    ]
  },
  {
    "id": 11,
    "name": "Marksman",
    "color": "#ffee00",
    "specs": [
      13,
      14
    ]
  },
  {
    "id": 12,
    "name": "Shield Knight",
    "color": "#7b9aa2",
    "specs": [
      15,
      16
    ]
  },
  {
    "id": 13,
    "name": "Beat Performer",
    "color": "#ee2e48",
    "specs": [
      17,
      18
    ]
  }
];

export const SPECS: GameSpec[] = [
  {
    "id": 1,
    "name": "Iaido",
    "classId": 1,
    "role": "damage"
  },
  {
    "id": 2,
    "name": "Moonstrike",
    "classId": 1,
    "role": "damage"
  },
  {
    "id": 3,
    "name": "Icicle",
    "classId": 2,
    "role": "damage"
  },
  {
    "id": 4,
    "name": "Frostbeam",
    "classId": 2,
    "role": "damage"
  },
  {
    "id": 5,
    "name": "Voidflame",
    "classId": 3,
    "role": "damage"
  },
  {
    "id": 6,
    "name": "Blazecrimson",
    "classId": 3,
    "role": "damage"
  },
  {
    "id": 7,
    "name": "Vanguard",
    "classId": 4,
    "role": "damage"
  },
  {
    "id": 8,
    "name": "Skyward",
    "classId": 4,
    "role": "damage"
  },
  {
    "id": 9,
    "name": "Smite",
    "classId": 5,
    "role": "healer"
  },
  {
    "id": 10,
    "name": "Lifebind",
    "classId": 5,
    "role": "healer"
  },
  {
    "id": 11,
    "name": "Earthfort",
    "classId": 9,
    "role": "tank"
  },
  {
    "id": 12,
    "name": "Block",
    "classId": 9,
    "role": "tank"
  },
  {
    "id": 13,
    "name": "Wildpack",
    "classId": 11,
    "role": "damage"
  },
  {
    "id": 14,
    "name": "Falconry",
    "classId": 11,
    "role": "damage"
  },
  {
    "id": 15,
    "name": "Recovery",
    "classId": 12,
    "role": "tank"
  },
  {
    "id": 16,
    "name": "Shield",
    "classId": 12,
    "role": "tank"
  },
  {
    "id": 17,
    "name": "Dissonance",
    "classId": 13,
    "role": "healer"
  },
  {
    "id": 18,
    "name": "Concerto",
    "classId": 13,
    "role": "healer"
  }
];
