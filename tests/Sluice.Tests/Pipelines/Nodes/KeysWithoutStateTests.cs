using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines;

/// <summary>A key has a state once its node has set one: other keys do not end, and take no memory.</summary>
public class KeysWithoutStateTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OnlyKeysWithAStateEnd(bool isAsync)
    {
        List<string> seen = [];
        await (Source.From([3, 4, 5, 6, 6, 7]) | Stage.KeyBy(static (int n) => n, 1) | StageNode.Of(() => new Counting(isAsync))
            | Stage.OnError(ErrorPolicy.Skip) | seen.Add).RunAsync(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["4=1", "6=1"], seen);          // 3 has failed, 6 has failed once, 5 set none, and 7 removed its own
    }

    [Fact]
    public async Task KeysWithoutAStateTakeNoMemory()
    {
        const int Keys = 20_000;
        List<WeakReference> states = new(Keys);
        int alive = -1;
        await (Source.From(Numbers()) | Stage.KeyBy(static (int n) => n, 1) | StageNode.Of(() => new Failing(states))
            | Stage.OnError(ErrorPolicy.Skip) | (static _ => { }))
            .RunAsync(new() { Mode = ExecutionMode.SingleThread }, TestContext.Current.CancellationToken);
        Assert.Equal(Keys, states.Count);
        Assert.InRange(alive, 0, Keys / 10);

        async IAsyncEnumerable<int> Numbers()
        {
            for (int n = 0; n < Keys; n++)
            {
                yield return n;
                if (n % 100 == 0) await Task.Yield();
            }
            GC.Collect();
            alive = states.Count(static state => state.IsAlive);
        }
    }

    /// <summary>Keys that are refused for their length, and keys whose initial state fails, leave nothing behind.</summary>
    [Theory]
    [InlineData(10_001)]
    [InlineData(100)]
    public async Task KeysThatGetNoStateTakeNoMemory(int length)
    {
        const int Keys = 500;
        List<WeakReference> keys = new(Keys);
        int alive = -1;
        RunSnapshot end = await (Source.From(Texts()) | Stage.KeyBy(static (string text) => text, 1)
            | StageNode.Of(static () => new Unknown()) | Stage.OnError(ErrorPolicy.Skip) | Stage.Named("unknown") | (static _ => { }))
            .RunAsync(new() { Mode = ExecutionMode.SingleThread }, TestContext.Current.CancellationToken);
        Assert.Equal(Keys, end["unknown"].Failed);
        Assert.InRange(alive, 0, Keys / 10);

        async IAsyncEnumerable<string> Texts()
        {
            for (int n = 0; n < Keys; n++)
            {
                string text = $"{n}".PadRight(length);
                keys.Add(new(text));
                yield return text;
                if (n % 100 == 0) await Task.Yield();
            }
            GC.Collect();
            alive = keys.Count(static key => key.IsAlive);
        }
    }

    /// <summary>A key that sets its state late has the initial state once, as long as few keys are without one.</summary>
    [Fact]
    public async Task AFewKeysWithoutAStateKeepTheirInitialState()
    {
        int initial = 0;
        await (Source.From(Enumerable.Range(0, 10_000).Select(static n => n % 100)) | Stage.KeyBy(static (int n) => n, 1)
            | StageNode.Of(() => new Reading(() => initial++)) | (static _ => { }))
            .RunAsync(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(100, initial);
    }

    private sealed class Counting(bool isAsync) : StatefulStageNode<int, string, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            if (isAsync) await Task.Yield();
            if (item == 5) return;
            if (item == 7) RemoveState();
            else State++;
            if (item == 3 || (item == 6 && State == 2)) throw new FormatException();
        }

        protected override ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"{Key}={State}");
    }

    /// <summary>Fails on each item, and so sets no state.</summary>
    private sealed class Failing(List<WeakReference> states) : StatefulStageNode<int, int, object>
    {
        protected override object InitialState(string key)
        {
            object state = new();
            states.Add(new(state));
            return state;
        }

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => State is not null ? throw new FormatException() : default;
    }

    private sealed class Unknown : StatefulStageNode<string, int, object>
    {
        protected override object InitialState(string key) => throw new FormatException();

        protected override ValueTask ProcessAsync(string item, Output<int> output, CancellationToken cancellation) => default;
    }

    private sealed class Reading(Func<int> initial) : StatefulStageNode<int, int, int>
    {
        protected override int InitialState(string key) => initial();

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(State);
    }
}
