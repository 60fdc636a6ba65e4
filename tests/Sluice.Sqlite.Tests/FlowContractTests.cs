using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Sqlite.Tests;

/// <summary>The contract of flows over a store file.</summary>
public sealed class FlowContractTests : FlowContract, IDisposable
{
    private readonly TempDirectory directory = new();

    public void Dispose() => directory.Dispose();

    protected override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        => await SqliteStreamStore.OpenAsync(directory.File("flows.db"), Durability.Process, new() { Time = time },
        TestContext.Current.CancellationToken);
}
