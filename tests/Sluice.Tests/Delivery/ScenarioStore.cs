using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The store under the scenarios of consecutors: here the memory store. The tests of each other store have a class of this name,
/// and run the scenarios over it.</summary>
internal static class ScenarioStore
{
    /// <summary>How many seeds a test of crashes plays: fewer over stores that are slower.</summary>
    public const int CrashSeeds = 60;

    /// <summary>Whether a process dies at each call before, inside and after it, or at one of these moments in turn.</summary>
    public static bool PlaysAllMoments => true;

    public static ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null) => new(new MemoryStreamStore(time ?? TimeProvider.System));
}
