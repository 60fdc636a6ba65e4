using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A signature is valid only in the stream and the run that the value was written to.</summary>
public class SignedFlowTests
{
    private static readonly PayloadSerializers Serializers =
        PayloadSerializers.Json.Signed(new("k1", [.. Enumerable.Range(0, 32).Select(n => (byte)n)]));
    private static readonly Processor Pair = new("pair") { Inputs = ["owed", "paid"], Outputs = ["sum"], Resume = ResumeMode.Checkpoint };

    [Fact]
    public async Task ARunWithSignedValuesCompletes()
        => Assert.Equal("500", await RunAsync(store => store));

    [Theory]
    [InlineData("owed", "paid")]
    [InlineData("paid", "owed")]
    public async Task ASignedValueCopiedFromAnotherStreamIsRefused(string from, string to)
    {
        string end = await RunAsync(store => new SwappingStore(store, FlowNames.Values("r", from), FlowNames.Values("r", to)));

        Assert.Contains("Its signature does not hold", end, StringComparison.Ordinal);
        Assert.Contains(FlowNames.Values("r", to), end, StringComparison.Ordinal);
    }

    private static async Task<string> RunAsync(Func<IStreamStore, IStreamStore> around)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { Serializers = Serializers }, around(lab.Store));
        service.Register(Pair, async (IO<int> owed, IO<int> paid, IOWriter<int> sum, Checkpoint<int> checkpoint,
            CancellationToken cancellation) =>
        {
            int first = await owed.FirstAsync(cancellation);
            await checkpoint.SaveAsync(first, cancellation);
            await sum.WriteAsync(checkpoint.Value + await paid.FirstAsync(cancellation), cancellation);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Pair).Resolve(), [IOVal.Of("owed", 499), IOVal.Of("paid", 1)],
            run: "r", cancellation: FlowLab.Cancellation);
        try
        {
            return $"{(await FlowLab.ReadAsync(run.Output<int>("sum"))).Single()}";
        }
        catch (FlowException e)
        {
            return e.Message;
        }
    }

    /// <summary>Gives out payloads of one stream as those of another, as an attacker with write access to the store could.</summary>
    private sealed class SwappingStore(IStreamStore inner, string from, string to) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
            => base.ReadAsync(request.Stream == to ? request with { Stream = from, Reader = null } : request, cancellation);
    }
}
