using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Flows;

/// <summary>How runs are started, found, listed, cancelled and deleted.</summary>
public class StartTests
{
    private static readonly Processor Copy = new("copy") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Copying = Flow.From(Copy).Resolve();

    [Fact]
    public async Task AStartListsTheMissingInputs()
    {
        await using var lab = new FlowLab();
        Flow flow = Flow.From(new Processor("p") { Inputs = ["a", "b", "c"], Outputs = ["d"] }).Resolve();
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => lab.Join().StartAsync(flow, [IOVal.Of("b", 1)]));
        Assert.StartsWith(
            "The flow needs values for a, c: no processor of it writes these streams. Give IOVal.Of(\"a\", …) when it is started.",
                mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStartThatLacksAnInputNamesTheMisspeltOne()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var given = await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(Copying, [IOVal.Of("xx", 1)]));
        Assert.Contains("when it is started. Given, but not taken by the flow: xx.", given.Message, StringComparison.Ordinal);

        Flow flow = Flow.From(new Processor("split") { Inputs = ["text"], Outputs = ["words"] },
            new Processor("count") { Inputs = ["wrods"], Outputs = ["longest"] }).Resolve();
        var read = await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(flow, [IOVal.Of("text", "")]));
        Assert.Contains("The flow needs values for wrods: no", read.Message, StringComparison.Ordinal);
        Assert.Contains("when it is started. Near it: words, which the processor split writes.", read.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStartRefusesWrongInputsAndRunIds()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        Assert.StartsWith("The flow was given y, which its processor copy writes",
            (await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(Copying, [IOVal.Of("x", 1), IOVal.Of("y", 1)]))).Message,
                StringComparison.Ordinal);
        Assert.StartsWith("There is no input to be given \"z\".",
            (await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(Copying, [IOVal.Of("x", 1), IOVal.Of("z", 1)]))).Message,
                StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => service.StartAsync(Flow.From(Copy), []));
        await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(Copying, [IOVal.Of("x", 1)], run: "a/b"));
    }

    [Fact]
    public async Task AStartRefusesStreamsWithConflictingTypes()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copy, async (IO<int> x, IOWriter<int> y) => await y.WriteAsync(await x.FirstAsync()));
        service.Register(new("show") { Inputs = ["y"] }, async (IO<string> y) => { await y.FirstAsync(); });
        var mistake = await Assert.ThrowsAsync<InvalidTopologyException>(() =>
            service.StartAsync(Flow.From(Copy, new Processor("show") { Inputs = ["y"] }).Resolve(), [IOVal.Of("x", "one")]));
        Assert.Equal(
            ["The stream x has values of the type string for what it is started with and int for copy, which reads it. Change one of them.",
            "The stream y has values of the type int for copy, which writes it, and string for show, which reads it. Change one of them."],
                mistake.Problems);
    }

    [Fact]
    public async Task AHostFailsAProcessorThatReadsAnotherType()
    {
        await using var lab = new FlowLab();
        lab.Join().Register(Copy, async (IO<string> x, IOWriter<int> y) => await y.WriteAsync((await x.FirstAsync()).Length));
        Supervisor starter = lab.Join();
        await using FlowRun run = await starter.StartAsync(Copying, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains(
            "The stream x has values of the type int; the function of the processor copy in this service reads string. Change one of them.",
                failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStartMayBeRepeatedUnderTheSameId()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        int calls = 0;
        service.Register(Copy, (IO<int> x) => Task.FromResult(Interlocked.Increment(ref calls)));
        await using FlowRun first = await service.StartAsync(Copying, [IOVal.Of("x", 1)], run: "order-17",
            cancellation: FlowLab.Cancellation);
        await using FlowRun second = await service.StartAsync(Copying, [IOVal.Of("x", 1)], run: "order-17",
            cancellation: FlowLab.Cancellation);
        await Task.WhenAll(first.Completion, second.Completion).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(1, calls);
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(Flow.From(Copy with { Wait = true }).Resolve(),
            [IOVal.Of("x", 1)], run: "order-17"));
        Assert.StartsWith(
            "There is a run order-17 already, and it is not this one: it has the processor \"copy: x -> y\", this one \"copy: x -> y "
                + "(waits)\". Give this one another id", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARepeatedStartWithOtherInputsOrOptionsIsRefused()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(), other = lab.Join();
        await using FlowRun first = await service.StartAsync(Copying, [IOVal.Of("x", 100), IOVal.Of("x", 200)], run: "invoice-7",
            cancellation: FlowLab.Cancellation);
        Assert.Contains("its input x has 2 values, and other ones than here",
            await RefusedAsync(Copying, [IOVal.Of("x", 100), IOVal.Of("x", 300)]), StringComparison.Ordinal);
        Assert.Contains("its input x has 2 values, here it has 1 value", await RefusedAsync(Copying, [IOVal.Of("x", 100)]),
            StringComparison.Ordinal);
        Assert.Contains("its input x has 2 values, here it is a stream",
            await RefusedAsync(Copying, [IOVal.Stream("x", FlowLab.Many([100, 200]))]), StringComparison.Ordinal);
        Assert.Contains("its input x has values of the type int, here string",
            await RefusedAsync(Copying, [IOVal.Of("x", "100"), IOVal.Of("x", "200")]), StringComparison.Ordinal);
        Assert.Contains("its stream y has MaxItems 10,000, here 5",
            await RefusedAsync(Flow.From(Copy).With("y", new() { MaxItems = 5 }).Resolve(), [IOVal.Of("x", 100), IOVal.Of("x", 200)]),
                StringComparison.Ordinal);
        Assert.Contains("of another flow: only it has the processor \"copy: x -> y\", and only this one \"copies: x -> y\"",
            await RefusedAsync(Flow.From(new Processor("copies") { Inputs = ["x"], Outputs = ["y"] }).Resolve(),
                [IOVal.Of("x", 100), IOVal.Of("x", 200)]), StringComparison.Ordinal);

        await using FlowRun again = await other.StartAsync(Copying, [IOVal.Of("x", 100), IOVal.Of("x", 200)], run: "invoice-7",
            cancellation: FlowLab.Cancellation);
        service.Register(Copy, CopyAsync);
        Assert.Equal([100, 200], await FlowLab.ReadAsync(first.Output<int>("y")));
        await again.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        async Task<string> RefusedAsync(Flow flow, IOVal[] inputs)
            => (await Assert.ThrowsAsync<ArgumentException>(() => other.StartAsync(flow, inputs, run: "invoice-7",
            cancellation: FlowLab.Cancellation))).Message;
    }

    /// <summary>More values than fit into the first commit.</summary>
    [Fact]
    public async Task ARepeatedStartComparesThousandsOfInputs()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        IOVal[] Many(int last) => [.. Enumerable.Range(0, 2_999).Append(last).Select(i => IOVal.Of("x", i))];
        await using FlowRun run = await service.StartAsync(Copying, Many(1), run: "many", cancellation: FlowLab.Cancellation);
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(Copying, Many(2), run: "many",
            cancellation: FlowLab.Cancellation));
        Assert.Contains("its input x has 3,000 values, and other ones than here", mistake.Message, StringComparison.Ordinal);
        await using FlowRun same = await service.StartAsync(Copying, Many(1), run: "many", cancellation: FlowLab.Cancellation);
        Assert.Equal(run.Id, same.Id);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5_000)]
    public async Task AllValuesOfAnInputArrive(int count)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copy, CopyAsync);
        await using FlowRun run = await service.StartAsync(Copying, Enumerable.Range(0, count).Select(i => IOVal.Of("x", i)),
            cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(0, count), await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    [Fact]
    public async Task AnInputMayBeAStream()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copy, CopyAsync);
        await using FlowRun run = await service.StartAsync(Copying, [IOVal.Stream("x", FlowLab.Many(Enumerable.Range(0, 3_000)))],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(0, 3_000), await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    [Fact]
    public async Task AnInputThatFailsFailsTheRunWithItsMessage()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copy, CopyAsync);
        await using FlowRun run = await service.StartAsync(Copying, [IOVal.Stream("x", FailAsync())], cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.Contains("What was put in failed: no more paper", failure.Message, StringComparison.Ordinal);

        static async IAsyncEnumerable<int> FailAsync()
        {
            yield return 1;
            await Task.Yield();
            throw new IOException("no more paper");
        }
    }

    [Fact]
    public async Task ARunOffersOnlyItsResultsByDefault()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var end = new Processor("end") { Inputs = ["y"], Outputs = ["z"] };
        await using FlowRun run = await service.StartAsync(Flow.From(Copy, end).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(["z"], run.Outputs);
        Assert.StartsWith("The stream y of the run", Assert.Throws<ArgumentException>(() => run.Output<int>("y")).Message,
            StringComparison.Ordinal);
        Assert.StartsWith("There is no output \"q\".", Assert.Throws<ArgumentException>(() => run.Output<int>("q")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunsAreListedFoundAndDeleted()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copy, CopyAsync);
        await using (FlowRun run = await service.StartAsync(Copying, [IOVal.Of("x", 1)], run: "b", cancellation: FlowLab.Cancellation))
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun waiting = await lab.Join()
            .StartAsync(Flow.From(new Processor("nobody") { Inputs = ["x"], Outputs = ["y"] }).Resolve(), [IOVal.Of("x", 1)], run: "a",
            cancellation: FlowLab.Cancellation);

        List<FlowRunInfo> runs = [];
        await foreach (FlowRunInfo status in service.ListAsync(FlowLab.Cancellation)) runs.Add(status);
        Assert.Equal(["a Waiting service-2", "b Completed service-1"],
            runs.Select(status => $"{status.Run} {status.Status} {status.StartedBy}"));
        Assert.Null(await service.FindAsync("c", FlowLab.Cancellation));
        Assert.False(await service.DeleteAsync("c", FlowLab.Cancellation));
        await Assert.ThrowsAsync<InvalidOperationException>(() => service.DeleteAsync("a", FlowLab.Cancellation));
        await lab.UntilLeftAsync(Copy.Name, "b");
        Assert.True(await service.DeleteAsync("b", FlowLab.Cancellation));
        Assert.Empty(await lab.Store.ListStreamsAsync("flow-io/b/", FlowLab.Cancellation));
        Assert.Null(await service.FindAsync("b", FlowLab.Cancellation));
    }

    [Fact]
    public async Task AStreamDeletedDuringAStartFailsTheStart()
    {
        await using var lab = new FlowLab();
        var clock = new TestClock();
        var store = new HookedStore(lab.Store)
        {
            Before = (call, stream) => stream == "flow/a" && call == nameof(IStreamStore.AcquireAsync)
            ? lab.Store.DeleteStreamAsync("flow-io/a/y").AsTask() : Task.CompletedTask
        };
        Supervisor service = lab.Join(options => options with { Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan }, store);
        Task<FlowRun> start = service.StartAsync(Copying, [IOVal.Of("x", 1)], run: "a", cancellation: FlowLab.Cancellation);
        await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
        clock.Advance(TimeSpan.FromSeconds(1));
        var failure = await Assert.ThrowsAsync<FlowException>(() => start.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal("The stream flow-io/a/y is not in the store any more: the run was deleted, or the store was emptied. "
            + "Start the flow again if its results are wanted.",
            failure.Message);
    }

    [Fact]
    public async Task ARunIsDrawnWithTheStatusOfItsProcessors()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copy, CopyAsync);
        var end = new Processor("end") { Inputs = ["y"], Outputs = ["z"] };
        await using FlowRun run = await service.StartAsync(Flow.From(Copy, end).Resolve(), [IOVal.Of("x", 1), IOVal.Of("x", 2)],
            allOutputs: true, cancellation: FlowLab.Cancellation);
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status == FlowStatus.Completed);
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Running, status.Status);
        Assert.Contains("completed, y 2", status.ToText(), StringComparison.Ordinal);
        Assert.Contains("waiting", status.ToText(), StringComparison.Ordinal);
        Assert.Contains("completed, y 2", status.ToMermaid(), StringComparison.Ordinal);
        Assert.Contains("completed, y 2", status.ToDot(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheResultsOfARunAreDrawnWithTheirCounts()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copy, CopyAsync);
        await using FlowRun run = await service.StartAsync(Copying, [IOVal.Of("x", 1), IOVal.Of("x", 2)],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        string picture = "x (given)   x 2\n└─ x: copy  completed, y 2\n   └─ y: y (result)";
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.Equal(picture, string.Join('\n', status.ToText().Split('\n').Select(line => line.TrimEnd())));
        Assert.Contains("completed, y 2", status.ToMermaid(), StringComparison.Ordinal);
        Assert.Contains("completed, y 2", status.ToDot(), StringComparison.Ordinal);
    }

    internal static async IAsyncEnumerable<IOVal> CopyAsync(IO<int> x)
    {
        await foreach (int value in x.StreamAsync()) yield return IOVal.Of("y", value);
    }
}
