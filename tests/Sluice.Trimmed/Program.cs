using Sluice.Trimmed;

await Graphs.ShowAsync();
await Steps.ShowAsync();
await Together.ShowAsync();
