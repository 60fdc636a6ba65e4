using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The code of a consecutor sees no <see cref="AsyncLocal{T}"/> values of the code that started it, or of code that completes its
/// tasks.</summary>
public class RunContextTests
{
    private static readonly AsyncLocal<string?> Tenant = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the node ran in the context of the map, or of the thread that completed the map's task.</remarks>
    [Theory]
    [InlineData(ExecutionMode.MultiThread, false)]
    [InlineData(ExecutionMode.MultiThread, true)]
    [InlineData(ExecutionMode.SingleThread, false)]
    public async Task ANodeBehindAMapThatWaitedBeginsInAContextOfItsOwn(ExecutionMode mode, bool isShared)
    {
        string? seen = "";
        var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var shared = new TaskCompletionSource<int>();
        await RunAsync(source => source
            | ((int n, CancellationToken _) =>
            {
                called.SetResult();
                return isShared ? shared.Task : WaitAsync(n);
            })
            | (n =>
            {
                seen = Tenant.Value;
                return n;
            }) | (_ => { }), mode, async () =>
            {
                await called.Task;
                var request = new Thread(() =>
                {
                    Tenant.Value = "of another request";
                    shared.SetResult(1);
                });
                request.UnsafeStart();
                request.Join();
            });
        Assert.Null(seen);

        static async Task<int> WaitAsync(int n)
        {
            Tenant.Value = "of the map";
            await Task.Yield();
            return n;
        }
    }

    /// <remarks>Regression: handlers in a single-threaded run, and sinks in any, kept the context of the start for ever.</remarks>
    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public async Task HandlersAndSinksDoNotSeeTheContextOfTheStart(ExecutionMode mode)
    {
        List<string> seen = [];
        Tenant.Value = "of the start";
        await RunAsync(source => source | (n =>
        {
            Note(seen, "handler");
            return n;
        }) | Sink.Commit(() => new Noting(seen)), mode);
        Assert.Equal(["begin", "handler", "prepare", "committed", "end"], seen);
        Assert.Equal("of the start", Tenant.Value);
    }

    /// <remarks>Regression: code that a sink had left behind counted as code of the sink for ever.</remarks>
    [Fact]
    public async Task WorkThatASinkHasLeftBehindMayWaitForTheConsecutor()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? waiting = null;
        Consecutor<int>? work = null;
        await RunAsync(source => source | Sink.Commit(() => new Noting([])
        {
            Preparing = () => waiting ??= Task.Run(async () =>
            {
                await go.Task;
                await work!.WaitForIdleAsync(Cancellation);
            }, Cancellation)
        }), ExecutionMode.MultiThread, async () =>
        {
            await work!.WaitForIdleAsync(Cancellation);
            go.SetResult();
            await waiting!;
        }, made => work = made);
    }

    private static async Task RunAsync(Func<Source<int>, Pipeline> body, ExecutionMode mode, Func<Task>? meanwhile = null,
        Action<Consecutor<int>>? made = null)
    {
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", body, new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(0),
            Run = new() { Mode = mode }
        });
        made?.Invoke(work);
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        if (meanwhile is not null) await meanwhile();
        await work.WaitForIdleAsync(Cancellation);
        await work.StopAsync(cancellation: Cancellation);
        Assert.Equal(0, work.Snapshot().Dead);
    }

    private static void Note(List<string> seen, string what)
    {
        lock (seen) seen.Add(Tenant.Value is { } tenant ? $"{what}: {tenant}" : what);
    }

    private sealed class Noting(List<string> seen) : TransactionalSink<int>
    {
        public Action Preparing { get; init; } = static () => { };

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => Seen("begin");

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            Preparing();
            return Seen("prepare");
        }

        protected override ValueTask CommittedAsync(SinkCommit<int> commit, CancellationToken cancellation) => Seen("committed");

        protected override ValueTask EndAsync() => Seen("end");

        private ValueTask Seen(string what)
        {
            Note(seen, what);
            return default;
        }
    }
}
