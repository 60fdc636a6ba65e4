using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The store under the scenarios of consecutors: here the memory store. The tests of each other store have a class of this name,
/// and run the scenarios over it.</summary>
internal static class ScenarioStore
{
    /// <summary>Of how many deaths of a process, or seeds, one is played: the faster the store, the more. No multiple of three, so that
    /// a process dies before, inside and after calls. <c>SLUICE_SHARE=1</c> plays all.</summary>
    public static int Share { get; } = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SHARE") ?? "1");

    public static ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null) => new(new MemoryStreamStore(time ?? TimeProvider.System));
}
