using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A run that has ended is started again with the inputs that the store has kept.</summary>
public class StartAgainTests
{
    private static readonly Processor Doubles = new("doubles")
    {
        Inputs = ["x"],
        Outputs = ["y"],
        Retry = new(1) { Delay = TimeSpan.Zero }
    };

    [Theory]
    [InlineData(3, false)]
    [InlineData(3, true)]
    [InlineData(1000, false)]
    [InlineData(1000, true)]
    public async Task TheNewRunHasTheSameInputsAlsoWhereTheyAreSigned(int count, bool isSigned)
    {
        await using var lab = new FlowLab();
        Supervisor service = Join(lab, isSigned);
        int[] wanted = [.. Enumerable.Range(1, count).Select(static i => 2 * i)];
        await using (FlowRun first = await service.StartAsync(Keeping(), Inputs(count), run: "first", keepOutputs: true,
            cancellation: FlowLab.Cancellation))
            Assert.Equal(wanted, await FlowLab.ReadAsync(first.Output<int>("y")));
        await EndedAsync(service, "first");

        Assert.True(await service.StartAgainAsync("first", "second", FlowLab.Cancellation));
        await using FlowRun second = (await service.FindAsync("second", FlowLab.Cancellation))!;
        Assert.Equal(wanted, await FlowLab.ReadAsync(second.Output<int>("y")));
        await second.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        // As often as somebody asks: it is one run, and it can itself be started again.
        Assert.True(await service.StartAgainAsync("first", "second", FlowLab.Cancellation));
        Assert.True(await service.StartAgainAsync("second", "third", FlowLab.Cancellation));
        Assert.Equal(3, await service.ListAsync(FlowLab.Cancellation).CountAsync(FlowLab.Cancellation));
        await EndedAsync(service, "third");
    }

    [Fact]
    public async Task AFailedOrCancelledRunIsStartedAgain()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        bool isMended = false;
        service.Register(Doubles, async (IO<int> x, IOWriter<int> y) =>
        {
            int value = await x.FirstAsync();
            await y.WriteAsync(isMended ? value : throw new IOException("no paper"));
        });
        await using FlowRun first = await service.StartAsync(Keeping(), Inputs(1), run: "first", cancellation: FlowLab.Cancellation);
        await Assert.ThrowsAsync<FlowException>(() => first.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        isMended = true;
        Assert.True(await service.StartAgainAsync("first", "second", FlowLab.Cancellation));
        await EndedAsync(service, "second");
        await using FlowRun nobodys = await service.StartAsync(Flow.From(new Processor("nobody") { Inputs = ["x"] }).With("x",
            new() { Retention = Retention.All }).Resolve(), Inputs(1), run: "nobodys", cancellation: FlowLab.Cancellation);
        var early = await Assert.ThrowsAsync<InvalidOperationException>(() => service.StartAgainAsync("nobodys", "more",
            FlowLab.Cancellation));
        Assert.Contains("has not ended", early.Message, StringComparison.Ordinal);
        await nobodys.CancelAsync("enough", FlowLab.Cancellation);
        Assert.True(await service.StartAgainAsync("nobodys", "more", FlowLab.Cancellation));
    }

    [Fact]
    public async Task WithoutItsInputsARunIsNotStartedAgainAndTheErrorSaysWhatToDo()
    {
        await using var lab = new FlowLab();
        Supervisor service = Join(lab, isSigned: false);
        await using (FlowRun first = await service.StartAsync(Flow.From(Doubles).Resolve(), Inputs(3), run: "first",
            cancellation: FlowLab.Cancellation))
            await FlowLab.ReadAsync(first.Output<int>("y"));
        await EndedAsync(service, "first");
        // The values leave the store a moment after the run has ended.
        string values = FlowNames.Values("first", "x");
        await lab.UntilAsync(values, async () => (await lab.Store.FindStreamAsync(values, FlowLab.Cancellation))!.Items == 0);
        FlowStreamInfo input = (await FlowInspector.FindAsync(lab.Store, "first", FlowLab.Cancellation))!.Streams[0];
        Assert.Equal(("x", true, false, false), (input.Name, input.IsInput, input.IsResult, input.IsWhole));
        var failure = await Assert.ThrowsAsync<FlowException>(() => service.StartAgainAsync("first", "second", FlowLab.Cancellation));
        Assert.Contains("input x", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Retention.All", failure.Message, StringComparison.Ordinal);
        Assert.Null(await FlowInspector.FindAsync(lab.Store, "second", FlowLab.Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnInputThatWasNotPutInToItsEndHasAnErrorOfItsOwn(bool isCancelled)
    {
        await using var lab = new FlowLab();
        Supervisor service = Join(lab, isSigned: false);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FlowRun first = await service.StartAsync(Keeping(), [IOVal.Stream("x", CutAsync())], run: "first",
            cancellation: FlowLab.Cancellation);
        Assert.Equal(2, await first.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        if (isCancelled) await first.CancelAsync("enough", FlowLab.Cancellation);
        else end.SetResult();
        await Assert.ThrowsAsync<FlowException>(() => first.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        var failure = await Assert.ThrowsAsync<FlowException>(() => service.StartAgainAsync("first", "second", FlowLab.Cancellation));
        Assert.StartsWith("The run first cannot be started again: its input x was not put in to its end: "
            + (isCancelled ? "the run was cancelled: enough" : "What was put in failed: no paper"), failure.Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Retention.All", failure.Message, StringComparison.Ordinal);
        end.TrySetResult();

        async IAsyncEnumerable<int> CutAsync()
        {
            yield return 1;
            await end.Task;
            throw new IOException("no paper");
        }
    }

    [Fact]
    public async Task AWrongIdIsRefused()
    {
        await using var lab = new FlowLab();
        Supervisor service = Join(lab, isSigned: false);
        Assert.False(await service.StartAgainAsync("none", "second", FlowLab.Cancellation));
        foreach (string wrong in (string[])["", "a/b", new string('x', 65), "first"])
            await Assert.ThrowsAnyAsync<ArgumentException>(() => service.StartAgainAsync("first", wrong, FlowLab.Cancellation));
        await using FlowRun first = await service.StartAsync(Keeping(), Inputs(2), run: "first", cancellation: FlowLab.Cancellation);
        await FlowLab.ReadAsync(first.Output<int>("y"));
        await EndedAsync(service, "first");
        await using FlowRun other = await service.StartAsync(Keeping(), Inputs(3), run: "other", cancellation: FlowLab.Cancellation);
        var taken = await Assert.ThrowsAsync<ArgumentException>(() => service.StartAgainAsync("first", "other", FlowLab.Cancellation));
        Assert.Contains("There is a run other already", taken.Message, StringComparison.Ordinal);
    }

    private static Supervisor Join(FlowLab lab, bool isSigned)
    {
        Supervisor service = lab.Join(options => isSigned ? options with
        {
            Serializers = PayloadSerializers.Json.Compressed(over: 0).Signed(new("k1", [.. Enumerable.Range(0, 32).Select(n => (byte)n)]))
        } : options);
        service.Register(Doubles, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(cancellation)) await y.WriteAsync(2 * value, cancellation);
        });
        return service;
    }

    private static Flow Keeping() => Flow.From(Doubles).With("x", new() { Retention = Retention.All }).Resolve();

    private static IOVal[] Inputs(int count) => [.. Enumerable.Range(1, count).Select(static i => IOVal.Of("x", i))];

    private static async Task EndedAsync(Supervisor service, string run)
    {
        await using FlowRun found = (await service.FindAsync(run, FlowLab.Cancellation))!;
        await found.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }
}
