namespace Sluice.Engine;

/// <summary>What an attempt that is not awaited any more still knows of its item: its ticket will be another item's.</summary>
internal sealed record AbandonedItem(string Id, int Attempt);
