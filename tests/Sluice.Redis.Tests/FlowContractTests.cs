using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Redis.Tests;

/// <summary>The contract of flows over Redis.</summary>
public class FlowContractTests(SharedServer server) : FlowContract
{
    protected override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        => await RedisStreamStore.ConnectAsync(server.Address, PassedTime.With(time, SharedServer.NewPrefix()),
        TestContext.Current.CancellationToken);
}
