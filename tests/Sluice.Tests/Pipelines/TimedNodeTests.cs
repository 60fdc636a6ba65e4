using System.Globalization;
using Sluice.Tests.Pipelines.Operators;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>Nodes with timers per key: a node sets, moves and cancels timers, and they fire in order with the items.</summary>
public sealed class TimedNodeTests
{
    private const int Keys = 5;

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    [Theory, MemberData(nameof(Modes))]
    public async Task ADebounceNodeMatchesTheDebounceOperator(ExecutionMode mode)
    {
        for (int seed = 0; seed < 60; seed++)
        {
            int lanes = 1 + (seed % 3);
            string[] expected = await PlayAsync(seed, mode,
                source => (source | Stage.KeyBy((int n) => n % Keys, lanes)).Debounce(TimeSpan.FromSeconds(1)));
            string[] seen = await PlayAsync(seed, mode,
                source => source | Stage.KeyBy((int n) => n % Keys, lanes) | StageNode.Of(() => new Trailing()));
            Assert.Equal(expected.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task LateTimersFireInOrderBeforeTheNextItem(ExecutionMode mode)
    {
        var random = new Random(1);
        for (int round = 0; round < 50; round++)
        {
            await using var run = new TimedRun<string>(mode, source => source | StageNode.Of(() => new Recorder()));
            double now = 0;
            var timers = new List<(double At, int Number)>();
            List<string> expected = [];
            for (int number = 0; number < 20; number++)
            {
                double wait = random.Next(0, 8) / 4.0;
                if (wait > 0) run.Jump(wait);        // due timers fire late, but before the next item
                now += wait;
                foreach (var timer in timers.Where(timer => timer.At <= now).OrderBy(timer => timer)) expected.Add($"timer {timer.Number}");
                timers.RemoveAll(timer => timer.At <= now);
                int after = random.Next(1, 20);
                run.Send((number * 100) + after);
                expected.Add($"item {number}");
                timers.Add((now + (after / 4.0), number));
            }
            Assert.Equal(expected, run.Seen.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(output => output.Split('@')[0].Replace('_', ' ')));
            _ = run.Run.CancelAsync();
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ATimerCanBeMovedAndCancelledByName(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode,
            source => source | Stage.KeyBy((int n) => n / 10, 2) | StageNode.Of(() => new Remote()));
        run.Send(10, 20);                            // set "a" for 1 s in both keys
        run.Send(11);                                // set "b" for 2 s
        run.Pass(0.5);
        run.Send(20);                                // moves "a"
        run.Send(12);                                // cancel "a", which is set
        run.Send(12);                                // cancel "a", which is no longer set
        run.Pass(5);
        Assert.Equal("cancelled_True@0.5 cancelled_False@0.5 2:a@1.5 1:b@2", run.Seen);
        run.Send(13);                                // set "zero" for now; it sets itself again twice
        run.Pass(1);
        Assert.Equal(" 1:zero@5.5 1:zero@5.5 1:zero@5.5", run.Seen[run.Seen.IndexOf(" 1:zero", StringComparison.Ordinal)..]);
        run.End();
        await run.Run.Completion;
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AFailureOfATimerNamesNodeTimerAndKey(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source | StageNode.Of(() => new Remote()) | Stage.Named("remote"));
        run.Send(4);
        run.Pass(1);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Run.Completion);
        Assert.Equal("'remote' failed on item the timer 'broken' of the key '': out of order", failure.Message);
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task TheEndCallsEndKeyInsteadOfFiringTimers(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode,
            source => source | Stage.KeyBy((int n) => n % 2, 1) | StageNode.Of(() => new Trailing()));
        run.Send(1, 2, 3);
        run.End();
        Assert.Equal("2@0 3@0", run.Seen);
        await run.Run.Completion;
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Fact]
    public void TimersAreRefusedWhereTheyDoNotFit()
    {
        var fork = Assert.Throws<InvalidTopologyException>(() => Source.From([1])
            .ForkJoin(left => left | StageNode.Of(() => new Trailing()), right => right | (n => n), (n, lefts, rights) => n)
            .ForEach(_ => { }).Topology);
        Assert.Contains("A node with timers does not fit into a branch of a fork-join", fork.Message, StringComparison.Ordinal);
        var timeout = Assert.Throws<InvalidOperationException>(() => Source.From([1]) | StageNode.Of(() => new Trailing())
            | Stage.Timeout(TimeSpan.FromSeconds(1)));
        Assert.Contains("a node with timers also acts between the attempts", timeout.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => Source.From([1]) | StageNode.Of(() => new Trailing())
            | Stage.OnError(ErrorPolicy.Skip));
    }

    private static async Task<string[]> PlayAsync(int seed, ExecutionMode mode, Func<Source<int>, Source<int>> pipeline)
    {
        var random = new Random(seed);
        await using var run = new TimedRun<int>(mode, pipeline);
        for (int step = 0; step < 30; step++)
        {
            if (random.Next(3) == 0) run.Pass(random.Next(1, 8) / 4.0);
            else run.Send(random.Next(100));
        }
        run.End();
        await run.Run.Completion;
        return run.Seen.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private sealed class Trailing : TimedStageNode<int, int, int?>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State = item;
            Timers.Set(TimeSpan.FromSeconds(1));
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<int> output, CancellationToken cancellation) => PutOutAsync(output);

        protected override ValueTask EndKeyAsync(Output<int> output, CancellationToken cancellation) => PutOutAsync(output);

        private ValueTask PutOutAsync(Output<int> output)
        {
            int? held = State;
            RemoveState();
            return held is { } item ? output.PushAsync(item) : default;
        }
    }

    private sealed class Recorder : TimedStageNode<int, string, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            Timers.Set(TimeSpan.FromSeconds(item % 100 / 4.0), (item / 100).ToString(CultureInfo.InvariantCulture));
            return output.PushAsync($"item_{item / 100}");
        }

        protected override async ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
        {
            if (timer.Length > 1) await Task.Yield();
            await output.PushAsync($"timer_{timer}");
        }
    }

    private sealed class Remote : TimedStageNode<int, string, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            switch (item % 10)
            {
                case 0: Timers.Set(TimeSpan.FromSeconds(1), "a"); break;
                case 1: Timers.Set(TimeSpan.FromSeconds(2), "b"); break;
                case 2:
                    Assert.Equal(State++ == 0, Timers.IsSet("a"));
                    await output.PushAsync($"cancelled_{Timers.Cancel("a")}");
                    break;
                case 3: Timers.Set(TimeSpan.Zero, "zero"); break;
                default: Timers.Set(TimeSpan.FromSeconds(1), "broken"); break;
            }
        }

        protected override ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
        {
            if (timer == "broken") throw new InvalidOperationException("out of order");
            if (timer == "zero" && State++ < 4) Timers.Set(TimeSpan.Zero, timer);
            return output.PushAsync($"{Key}:{timer}");
        }
    }
}
