using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Tests.Engine;

/// <summary>What begins and ends around the code of a node (<see cref="RunOptions.BeginItem"/>).</summary>
public class ItemScopeTests
{
    private static readonly AsyncLocal<string?> Current = new();
    private readonly ConcurrentQueue<string> calls = [];

    [Fact]
    public async Task AScopeIsSuspendedWhileItsOutputIsInTheNextNode()
    {
        await (Source.From([1]) | Stage.Named("numbers") | Twice | Print).RunAsync(Options(ExecutionMode.SingleThread));
        Assert.Equal(["begin Twice numbers/0", "Twice 1", "suspend Twice", "begin Print numbers/0", "Print 2", "end Print",
            "continue Twice", "end Twice"], calls);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(4, false)]
    [InlineData(4, true)]
    public async Task CodeThatGoesOnAsynchronouslyKeepsItsScopeAndOthersDoNotSeeIt(int lanes, bool retries)
    {
        ConcurrentQueue<string> seen = [];
        Source<int> source = Source.From(Enumerable.Range(0, 200)) | Stage.Named("numbers") | WaitAsync | Stage.Parallel(lanes);
        if (retries) source |= Stage.Retry(1);
        await (source | (n => Note("second", n)) | Stage.Named("second") | (n => { Note("last", n); }) | Stage.Named("last"))
            .RunAsync(Options(ExecutionMode.MultiThread));
        Assert.Equal(800, seen.Count);
        Assert.All(seen, static line => Assert.Equal(line.Split(": ")[0], line.Split(": ")[1]));
        Assert.Null(Current.Value);

        async Task<int> WaitAsync(int n)
        {
            Note("WaitAsync", n);
            await Task.Yield();
            return Note("WaitAsync", n);
        }

        int Note(string node, int n)
        {
            seen.Enqueue($"{node} numbers/{n}: {Current.Value}");
            return n;
        }
    }

    [Fact]
    public async Task ANodeClassHasAScopeForEachItemAndNoneAtItsEnd()
    {
        await (Source.From([1, 2]) | Stage.Named("numbers") | StageNode.Of(() => new Sum(calls)) | Stage.Named("sum") | Print)
            .RunAsync(Options(ExecutionMode.SingleThread));
        Assert.Equal(["begin sum numbers/0", "end sum", "begin sum numbers/1", "end sum", "sum ends in: ", "begin Print derived", "Print 3",
            "end Print"], calls);
    }

    [Fact]
    public async Task AScopeThatCannotBeginFailsTheItemAtItsNode()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.From([1]) | Twice | Print)
            .RunAsync(new RunOptions { BeginItem = static _ => throw new FormatException("no scope") }));
        Assert.Equal("'Twice' failed on item 1: no scope", failure.Message);
    }

    [Fact]
    public async Task AnItemMayHaveNoScope()
    {
        RunSnapshot end = await (Source.From([1, 2]) | Twice | Print).RunAsync(new RunOptions { BeginItem = static _ => null });
        Assert.Equal(2, end["Print"].Out);
        Assert.Equal(["Twice 1", "Print 2", "Twice 2", "Print 4"], calls);
    }

    [Fact]
    public async Task AFailedItemEndsItsScope()
    {
        await (Source.From([1]) | Stage.Named("numbers") | Break | Stage.OnError(ErrorPolicy.Skip) | Print)
            .RunAsync(Options(ExecutionMode.SingleThread));
        Assert.Equal(["begin Break numbers/0", "end Break"], calls);

        static int Break(int n) => throw new FormatException("no good");
    }

    /// <summary>The scope ends when the code waits; the output comes later.</summary>
    [Fact]
    public async Task AScopeThatCannotBeSuspendedAfterItsEndDoesNotFailTheItem()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        RunSnapshot end = await (Source.From([1, 2]) | WaitAsync | Print).RunAsync(new RunOptions
        {
            BeginItem = item => item.Node == "WaitAsync" ? new Guarded(ended) : null
        });
        Assert.Equal((2, RunStatus.Completed), (end["Print"].In, end.Status));

        async Task<int> WaitAsync(int n)
        {
            await ended.Task;
            return n;
        }
    }

    private RunOptions Options(ExecutionMode mode)
        => new() { Mode = mode, BeginItem = item => new Scope(calls, item.Node, item.Id) };

    private int Twice(int n)
    {
        calls.Enqueue($"Twice {n}");
        return 2 * n;
    }

    private void Print(int n) => calls.Enqueue($"Print {n}");

    private sealed class Scope : ItemScope
    {
        private readonly ConcurrentQueue<string> calls;
        private readonly string node;
        private readonly string? outer = Current.Value;

        public Scope(ConcurrentQueue<string> calls, string node, string id)
        {
            (this.calls, this.node) = (calls, node);
            Current.Value = $"{node} {id}";
            calls.Enqueue($"begin {node} {id}");
        }

        public override void Suspend() => calls.Enqueue($"suspend {node}");

        public override void Continue() => calls.Enqueue($"continue {node}");

        public override void Dispose()
        {
            Current.Value = outer;
            calls.Enqueue($"end {node}");
        }
    }

    private sealed class Guarded(TaskCompletionSource ended) : ItemScope
    {
        private volatile bool isDisposed;

        public override void Suspend() => ObjectDisposedException.ThrowIf(isDisposed, this);

        public override void Dispose()
        {
            isDisposed = true;
            ended.TrySetResult();
        }
    }

    private sealed class Sum(ConcurrentQueue<string> calls) : StageNode<int, int>
    {
        private int sum;

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            sum += item;
            return default;
        }

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation)
        {
            calls.Enqueue($"sum ends in: {Current.Value}");
            return output.PushAsync(sum);
        }
    }
}
