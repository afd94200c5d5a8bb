import '../../app.css';
import { mount } from 'svelte';
import PairPage from './PairPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(PairPage, { target });
