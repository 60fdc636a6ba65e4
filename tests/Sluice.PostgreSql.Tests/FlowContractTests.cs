using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.PostgreSql.Tests;

/// <summary>The contract of flows over PostgreSQL.</summary>
public class FlowContractTests : FlowContract
{
    protected override ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        => EmptiedSchema.OpenStoreAsync(PassedTime.With(time));
}
