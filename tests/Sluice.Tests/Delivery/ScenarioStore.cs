namespace Sluice.Tests.Deliveries;

/// <summary>The store that scenarios of consecutors are played over: here the one in memory. The tests of each other store have a class of this name, and play the same scenarios.</summary>
internal static class ScenarioStore
{
    public static ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null) => new(new MemoryStreamStore(time ?? TimeProvider.System));
}
