using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

// Scenario 11: a reader that waits, reads little, late or nothing, or fails, does not block the others.
public abstract partial class FlowContract
{
    private const int DiamondItems = 500;
    private static readonly Processor Source = new("source") { Outputs = ["left", "right"] };
    private static readonly Processor Pass = new("pass") { Inputs = ["left"], Outputs = ["passed"] };
    private static readonly Processor Reader = new("reader") { Inputs = ["passed", "right"], Outputs = ["all"] };

    [Fact]
    public async Task ADiamondThatIsReadOneSideAfterTheOtherDoesNotDeadlock()
    {
        var clock = new TestClock();
        await using IStreamStore store = await OpenAsync(clock);
        List<string> warnings = [];
        var supervisor = Supervisor.Attach(store, new()
        {
            Name = "service",
            Time = clock,
            OnWarning = text => { lock (warnings) warnings.Add(text); }
        });
        supervisor.Register(Source, MakeAsync);
        supervisor.Register(Pass, async (IO<int> left, IOWriter<int> passed) =>
        {
            await foreach (int value in left.StreamAsync()) await passed.WriteAsync(value);
        });
        supervisor.Register(Reader, async (IO<int> passed, IO<int> right, IOWriter<int> all) =>
        {
            await foreach (int value in passed.StreamAsync()) await all.WriteAsync(value);
            await foreach (int value in right.StreamAsync()) await all.WriteAsync(-value);
        });
        Flow flow = Flow.From(Source, Pass, Reader).With("left", new() { MaxItems = 50 }).With("right", new() { MaxItems = 20 })
            .With("passed", new() { MaxItems = 10 }).Resolve();
        await using (FlowRun run = await supervisor.StartAsync(flow, [], cancellation: FlowLab.Cancellation))
        {
            Task<List<int>> results = FlowLab.ReadAsync(run.Output<int>("all"));
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
            while (!results.IsCompleted)
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                await Member.PollAsync();
            }
            Assert.Equal(Enumerable.Range(0, DiamondItems).Concat(Enumerable.Range(0, DiamondItems).Select(value => -value)),
                await results);
        }
        await supervisor.DisposeAsync();
        Assert.Contains(warnings, text => text.Contains("source waits for room in right until reader reads it", StringComparison.Ordinal));

        static async IAsyncEnumerable<IOVal> MakeAsync()
        {
            for (int i = 0; i < DiamondItems; i++)
            {
                yield return IOVal.Of("left", i);
                yield return IOVal.Of("right", i);
                if (i % 50 == 0) await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task AWaitingProcessorDoesNotBlockItsWriter()
    {
        await using FlowLab lab = await NewLabAsync();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"], Outputs = ["sum"], Wait = true };
        service.Register(Maker, MakeMany);
        service.Register(taker, async (IO<int> x) =>
        {
            long sum = 0;
            await foreach (int value in x.StreamAsync()) sum += value;
            return sum;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        Assert.Equal((long)Many * (Many - 1) / 2, await run.Output<long>("sum").FirstAsync(FlowLab.Cancellation).AsTask()
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
    }

    [Fact]
    public async Task OneSlotIsEnoughForProcessorsThatWaitForEachOther()
    {
        await using FlowLab lab = await NewLabAsync();
        Supervisor service = lab.Join(options => options with { MaxConcurrency = 1 });
        int atWork = 0, most = 0;
        foreach (var (from, to) in new[] { ("x", "y"), ("y", "z"), ("z", "end") })
            service.Register(new($"to {to}") { Inputs = [from], Outputs = [to] },
                (ProcessorFunction)((context, cancellation) => PassAsync(context.Input<int>(from), to, cancellation)));
        int items = ScenarioStore.Share == 1 ? 1_000 : 300;
        Flow flow = Flow.From(new[] { ("x", "y"), ("y", "z"),
            ("z", "end") }.Select(pair => new Processor($"to {pair.Item2}") { Inputs = [pair.Item1], Outputs = [pair.Item2] }));
        flow = flow.With("y", new() { MaxItems = 10 }).With("z", new() { MaxItems = 10 }).Resolve();
        await using FlowRun run = await service.StartAsync(flow, Enumerable.Range(0, items).Select(i => IOVal.Of("x", i)),
            cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(0, items), await FlowLab.ReadAsync(run.Output<int>("end")));
        Assert.Equal(1, most);

        async IAsyncEnumerable<IOVal> PassAsync(IO<int> from, string to,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (int value in from.StreamAsync(cancellation))
            {
                most = Math.Max(most, Interlocked.Increment(ref atWork));
                await Task.Yield();
                Interlocked.Decrement(ref atWork);
                yield return IOVal.Of(to, value);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AReaderOfOneValueOrNoneDoesNotBlockTheWriter(bool first)
    {
        await using FlowLab lab = await NewLabAsync();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"], Outputs = ["y"] };
        var isDone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Maker, MakeAndTellAsync);
        Delegate firstOnly = async (IO<int> x) => { await x.FirstAsync(); await isDone.Task; };
        Delegate nothing = () => isDone.Task;
        service.Register(taker, first ? firstOnly : nothing);
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        async IAsyncEnumerable<IOVal> MakeAndTellAsync()
        {
            await foreach (IOVal value in MakeMany()) yield return value;
            isDone.SetResult();
        }
    }

    [Fact]
    public async Task AFailedReaderDoesNotBlockTheOtherReaders()
    {
        await using FlowLab lab = await NewLabAsync();
        Supervisor service = lab.Join();
        Processor failing = new("failing") { Inputs = ["x"] }, counting = new("counting") { Inputs = ["x"], Outputs = ["count"] };
        service.Register(Maker, MakeMany);
        service.Register(failing, async Task (IO<int> x) => throw new InvalidOperationException($"at {await x.FirstAsync()}"));
        service.Register(counting, async (IO<int> x) =>
        {
            int count = 0;
            await foreach (int _ in x.StreamAsync()) count++;
            return count;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, failing, counting).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([Many], await FlowLab.ReadAsync(run.Output<int>("count")));
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains("the processor failing has: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("at 0", failure.Message, StringComparison.Ordinal);
    }

    // Scenario 13: the reader begins when the run has completed.
    [Fact]
    public async Task AnUnreadResultDoesNotBlockTheRun()
    {
        await using FlowLab lab = await NewLabAsync();
        Supervisor service = lab.Join();
        service.Register(Maker, MakeMany);
        await using FlowRun run = await service.StartAsync(Flow.From(Maker).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(Many, (await FlowLab.ReadAsync(run.Output<int>("x"))).Count);
        var twice = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(run.Output<int>("x")));
        Assert.Contains("they left the store when they had been read", twice.Message, StringComparison.Ordinal);
    }
}
