using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Processors that would wait for each other for ever, because of a bound.</summary>
public class StallTests
{
    private const int Items = 500;
    private static readonly Processor Maker = new("maker") { Outputs = ["left", "right"] };
    private static readonly Processor Pass = new("pass") { Inputs = ["left"], Outputs = ["passed"] };
    private static readonly Processor Reader = new("reader") { Inputs = ["passed", "right"], Outputs = ["all"] };

    [Fact]
    public async Task ADiamondThatIsReadOneSideAfterTheOtherGoesOn()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        List<string> warnings = [];
        var supervisor = Supervisor.Attach(store, new() { Name = "service", Time = clock, Warn = text => { lock (warnings) warnings.Add(text); } });
        supervisor.Register(Maker, MakeAsync);
        supervisor.Register(Pass, async (IO<int> left, IOWriter<int> passed) =>
        {
            await foreach (int value in left.StreamAsync()) await passed.WriteAsync(value);
        });
        supervisor.Register(Reader, async (IO<int> passed, IO<int> right, IOWriter<int> all) =>
        {
            await foreach (int value in passed.StreamAsync()) await all.WriteAsync(value);
            await foreach (int value in right.StreamAsync()) await all.WriteAsync(-value);
        });
        Flow flow = Flow.From(Maker, Pass, Reader).With("left", new() { MaxItems = 50 }).With("right", new() { MaxItems = 20 }).With("passed", new() { MaxItems = 10 }).Resolve();
        await using (FlowRun run = await supervisor.StartAsync(flow, [], cancellation: FlowLab.Cancellation))
        {
            Task<List<int>> results = FlowLab.ReadAsync(run.Output<int>("all"));
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
            while (!results.IsCompleted)
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                await Task.Yield();
            }
            Assert.Equal(Enumerable.Range(0, Items).Concat(Enumerable.Range(0, Items).Select(value => -value)), await results);
        }
        await supervisor.DisposeAsync();
        Assert.Contains(warnings, text => text.Contains("maker waits for room in right until reader reads it", StringComparison.Ordinal));

        static async IAsyncEnumerable<IOVal> MakeAsync()
        {
            for (int i = 0; i < Items; i++)
            {
                yield return IOVal.Of("left", i);
                yield return IOVal.Of("right", i);
                if (i % 50 == 0) await Task.Yield();
            }
        }
    }
}
