using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>
/// A signature is valid only in the stream and the run that the value was written to. Values stay the same when keys and methods change.
/// </summary>
public class SignedFlowTests
{
    private static readonly PayloadSerializers Serializers =
        PayloadSerializers.Json.Signed(new("k1", Key(0)));
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

    public static TheoryData<string> Changes => [.. Changed.Keys];

    private static readonly Dictionary<string, (PayloadSerializers Before, PayloadSerializers After)> Changed = new(StringComparer.Ordinal)
    {
        ["another key signs"] = (Serializers, PayloadSerializers.Json.Signed(new PayloadKeys("k2", Key(1)).Accepting("k1", Key(0)))),
        ["values are signed now"] = (PayloadSerializers.Json, PayloadSerializers.Json.Signed(new("k1", Key(0)), readsUnsigned: true)),
        ["values are compressed now"] = (PayloadSerializers.Json, PayloadSerializers.Json.Compressed(over: 0, readsUncompressed: true)),
        ["another compression"] = (PayloadSerializers.Json.Compressed(over: 0),
            PayloadSerializers.Json.Compressed(over: 0, PayloadCompression.ZLib)),
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task AProcessorGoesOnFromScratchWhenItsValuesAreSealedOtherwise(string change)
    {
        var (before, after) = Changed[change];
        string[] values = [new('a', 50), new('b', 50), "c"];
        await using var lab = new FlowLab();
        Processor work = new("work") { Outputs = ["y"] }, next = new("next") { Inputs = ["y"], Outputs = ["z"] };
        Supervisor first = lab.Join(options => options with { Serializers = before });
        Supervisor reader = lab.Join(options => options with { Serializers = after });
        var hasRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        first.Register(work, async (IOWriter<string> y, CancellationToken cancellation) =>
        {
            foreach (string value in values[..2]) await y.WriteAsync(value, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        reader.Register(next, async (IO<string> y, IOWriter<string> z) =>
        {
            await foreach (string value in y.StreamAsync())
            {
                await z.WriteAsync(value);
                if (value == values[1]) hasRead.TrySetResult();
            }
        });
        await using FlowRun run = await reader.StartAsync(Flow.From(work, next).Resolve(), [], cancellation: FlowLab.Cancellation);
        await hasRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await first.DisposeAsync();
        lab.Join(options => options with { Serializers = after }).Register(work, async (IOWriter<string> y) =>
        {
            foreach (string value in values) await y.WriteAsync(value);
        });

        Assert.Equal(values, await FlowLab.ReadAsync(run.Output<string>("z")));
    }

    private static byte[] Key(int first) => [.. Enumerable.Range(first, 32).Select(n => (byte)n)];

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
