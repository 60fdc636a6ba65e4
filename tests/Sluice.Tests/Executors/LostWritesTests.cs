using Sluice.Flows;
using Sluice.Programs;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>The store reports lost writes to a function: the function goes on from the values that are left, here and in a child
/// process.</summary>
[StartsProcesses]
[Collection("child processes")]
public class LostWritesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ARunGoesOnAfterTheStoreHasLostWrites(int children)
    {
        string[] lines = [.. Enumerable.Range(0, 3_000).Select(n => $"line {n}")];
        await using var lab = new FlowLab();
        var store = new ForgetfulStore(lab.Store);
        Supervisor service = lab.Join(options => options with
        {
            Services = FlowFunctions.Options.Services,
            Executor = children == 0 ? null
            : Executor.Processes(children, ProcessExecutorLab.Child())
        }, store);
        service.Register(FlowFunctions.All);

        List<string> copies = await ProcessExecutorLab.RunAsync<string>(service, FlowFunctions.Copy(ResumeMode.FromScratch), "copy",
            ProcessExecutorLab.Lines("line", lines));

        Assert.Equal(lines, copies);
        Assert.Equal(2, store.Generation);
        Assert.Contains(lab.Warnings, text => text.Contains(
            "the processor copy-FromScratch goes on from what is left: As if there had been a failover.", StringComparison.Ordinal));
    }

    /// <summary>A store that reports once, in the middle of the input, that it has lost writes.</summary>
    private sealed class ForgetfulStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int hasForgotten;

        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
            => request.Stream.EndsWith("/line", StringComparison.Ordinal) && request.From > 1_000
            && Interlocked.Exchange(ref hasForgotten, 1) == 0
                ? throw new StoreRolledBackException("As if there had been a failover.")
                : base.ReadAsync(request, cancellation);
    }
}
