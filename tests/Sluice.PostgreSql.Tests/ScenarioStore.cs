using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The store for scenarios of consecutors: on the shared server, in a schema that is empty.</summary>
internal static class ScenarioStore
{
    /// <summary>Of how many deaths of a process, or seeds, one is played: the faster the store, the more. No multiple of three, so that
    /// a process dies before, inside and after calls. <c>SLUICE_SHARE=1</c> plays all.</summary>
    public static int Share { get; } = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SHARE") ?? "25");

    public static ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null)
    {
        PostgresStoreOptions options = Patient.Options with { Known = KnownRows.CompareAsync };
        return EmptiedSchema.OpenStoreAsync(time is null ? options : options with { Time = time, ServerTime = () => time.GetUtcNow() });
    }
}
