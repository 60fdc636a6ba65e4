using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.PostgreSql.Tests;

/// <summary>The contract of flows over PostgreSQL.</summary>
public class FlowContractTests(SharedServer server) : FlowContract
{
    protected override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        => await PostgresStreamStore.OpenAsync(server.Address, PassedTime.With(time, SharedServer.NewSchema()),
        TestContext.Current.CancellationToken);
}
