using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>The contract of flows, in memory.</summary>
public class MemoryFlowTests : FlowContract
{
    protected override ValueTask<IStreamStore> OpenAsync(TimeProvider time) => new(new MemoryStreamStore(time));
}
