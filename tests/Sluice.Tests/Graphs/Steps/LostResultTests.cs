using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>A task or a future as a result, which nothing would await: refused where the function is given, or by the call, if only the
/// call shows it.</summary>
public class LostResultTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly Step<int, int> Fails = Step.Of((int n) => n > 0 ? throw new FormatException("lost") : n).Named("fails");

    private static Future<int> Total(int n) => Fails(n);

    private static async Task<Future<int>> LaterAsync(int n)
    {
        await Task.Yield();
        return Fails(n);
    }

#pragma warning disable VSTHRD100, AsyncFixer03 // async void is the mistake
    private static async void Void(int n) => await Fails(n);
#pragma warning restore VSTHRD100, AsyncFixer03

    [Fact]
    public void AStepThatReturnsAFutureIsRefused()
    {
        Refused("Total", "Future<int>", () => Step.Of<int, Future<int>>(Total));
        Refused("Total", "Future<int>", () => Step.Of<int, object>(Total));
        Refused("the function", "Future<int>", () => Step.Of((int n) => Total(n)));
        Refused("the function", "Future<int>", () => Step.Of(() => Total(1)));
        Refused("the function", "Future<int>", () => Step.Of((int a, int b, int c, int d, CancellationToken _) => Total(a)));
        Refused("LaterAsync", "Future<int>", () => Step.Of<int, Future<int>>(LaterAsync));
        Refused("LaterAsync", "Task<Future<int>>", () => Step.Of<int, object>(new Func<int, object>(LaterAsync)));

        static void Refused(string function, string work, Func<object> make) => Assert.StartsWith(
            $"The result of {function} would be a {work}: the step would end without waiting for it, and its failure would be lost.",
                Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAsyncVoidFunctionIsNoStep()
    {
        Action<int> hidden = Void;                       // where an analyzer sees the method, it says so
        Assert.StartsWith("Void is async void: it cannot be awaited, and its failure would be lost. Let it return a Task.",
            Assert.Throws<ArgumentException>(() => Step.Of(hidden)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATaskReturnedAsAnObjectFailsTheCall()
    {
        var hidden = Step.Of((bool waits) => waits ? (object)Task.FromResult(1) : Total(0)).Named("hidden");
        Assert.StartsWith("hidden returned a Task<int> as an object",
            (await Assert.ThrowsAsync<InvalidOperationException>(async () => await hidden(true))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await hidden(false));

        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("node", n => (object)LaterAsync(n));
        Assert.Contains("as an object: it would not be awaited",
            (await Assert.ThrowsAsync<NodeFailedException>(async () => await builder.Build().ResolveAsync(0, Cancellation))).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void ANodeOrADataFlowThatReturnsAFutureIsRefused()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        Assert.StartsWith("The node x would produce a Future<int>, which would not be awaited",
            Assert.Throws<ArgumentException>(() => builder.Add("x", n => Total(n))).Message, StringComparison.Ordinal);
        Assert.StartsWith("The node y would produce a Future<int>",
            Assert.Throws<ArgumentException>(() => builder.Add("y", n => LaterAsync(n))).Message, StringComparison.Ordinal);
        Assert.StartsWith("Total returns a Future<int>, which would not be awaited, and its failure would be lost. Let it return a task",
            Assert.Throws<DataFlowException>(() => DataFlow.From(Total)).Message, StringComparison.Ordinal);
        Assert.StartsWith("LaterAsync returns a Future<int> within",
            Assert.Throws<DataFlowException>(() => DataFlow.From(LaterAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADefaultSettledHasNotSucceeded()
    {
        Settled<int> nothing = default, failed = Settled.Failed<int>(new FormatException("no")),
            cancelled = Settled.Failed<int>(new OperationCanceledException());
        Assert.Equal((false, false, 7), (nothing.Succeeded, nothing.IsCancelled, nothing.ValueOr(7)));
        Assert.Throws<InvalidOperationException>(() => nothing.Value);
        Assert.Equal((true, 5, "5"), (Settled.Of(5).Succeeded, Settled.Of(5).Value, $"{Settled.Of(5)}"));
        Assert.Equal((false, false, "FormatException: no"), (failed.Succeeded, failed.IsCancelled, $"{failed}"));
        Assert.Throws<FormatException>(() => failed.Value);
        Assert.True(cancelled.IsCancelled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task AwaitingWhenAllObservesEveryFailure(bool isLate) => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        var fail = Step.Of(async (int n) =>
        {
            await lab.DelayAsync(n);
            throw new FormatException($"{n}");
        });
        Future first = fail(1), second = fail(isLate ? 5 : 1);
        await Assert.ThrowsAsync<FormatException>(async () => await Future.WhenAll(first, second));
        await scope.Completion;
        _ = fail(2);
        await Assert.ThrowsAsync<FormatException>(async () => await scope.Completion);
    }));

    [Fact]
    public Task ATimeoutNamesItsStep() => StepLab.WithSeedsAsync(1, lab => lab.RunAsync(async scope =>
    {
        var slow = Step.Of(async (CancellationToken cancellation) => await lab.DelayAsync(9, cancellation)).Named("slow")
            .Timeout(TimeSpan.FromSeconds(1));
        Assert.Equal("slow took longer than 1 s.", (await Assert.ThrowsAsync<TimeoutException>(async () => await slow())).Message);
    }));
}
