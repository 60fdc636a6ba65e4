using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

public class CancellableStoreTests
{
    [Fact]
    public async Task AFailureThatComesAfterTheStoreWasGivenUpIsNotReportedAsUnobserved()
    {
        var told = new List<string>();
        EventHandler<UnobservedTaskExceptionEventArgs> listen = (_, e) =>
        {
            lock (told) told.Add(e.Exception.ToString());
        };
        TaskScheduler.UnobservedTaskException += listen;
        try
        {
            for (int i = 0; i < 20; i++)
            {
                await GiveUpAsync();
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            lock (told) Assert.DoesNotContain(told, static text => text.Contains("too late for anybody", StringComparison.Ordinal));
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= listen;
        }
    }

    public static TheoryData<string> DriverFailures => ["TaskCanceled", "Socket", "ObjectDisposed", "NotSupported"];

    [Theory]
    [MemberData(nameof(DriverFailures))]
    public async Task AFailureOfADriverIsOneOfTheStore(string kind)
    {
        await using var memory = new MemoryStreamStore();
        foreach (bool isAsynchronous in (bool[])[false, true])
        {
            var failing = new FailingStore(memory, () => New(kind)) { IsAsynchronous = isAsynchronous };
            var store = new CancellableStore(failing, CancellationToken.None);
            var failure = await Assert.ThrowsAsync<StreamStoreException>(() => store.FindStreamAsync("orders", Cancellation).AsTask());
            Assert.StartsWith($"The store has failed: {kind}Exception: ", failure.Message, StringComparison.Ordinal);
            Assert.Equal(kind == "NotSupported", failure.IsPermanent);
            Assert.NotNull(failure.InnerException);
        }
    }

    [Fact]
    public async Task ACancellationOfTheCallerStaysOne()
    {
        await using var memory = new MemoryStreamStore();
        using CancellationTokenSource givenUp = new(), callers = new();
        var store = new CancellableStore(new FailingStore(memory, static () => new OperationCanceledException()), givenUp.Token);
        await callers.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.FindStreamAsync("orders", callers.Token).AsTask());
        await givenUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.FindStreamAsync("orders", Cancellation).AsTask());
    }

    [Fact]
    public async Task TheFailuresOfTheContractStayAsTheyAre()
    {
        await using var memory = new MemoryStreamStore();
        foreach (Exception given in (Exception[])[new StoreRolledBackException("back"), new ItemRejectedException("row"),
            new PayloadException("long"), new ArgumentOutOfRangeException("max")])
        {
            var store = new CancellableStore(new FailingStore(memory, () => given), CancellationToken.None);
            Assert.Same(given, await Assert.ThrowsAnyAsync<Exception>(() => store.FindStreamAsync("orders", Cancellation).AsTask()));
        }
        var open = new CancellableStore(memory, CancellationToken.None);
        await memory.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => open.FindStreamAsync("orders", Cancellation).AsTask());
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Exception New(string kind) => kind switch
    {
        "TaskCanceled" => new TaskCanceledException(),
        "Socket" => new SocketException((int)SocketError.ConnectionReset),
        "ObjectDisposed" => new ObjectDisposedException("NetworkStream"),
        _ => new NotSupportedException(),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task GiveUpAsync()
    {
        await using var memory = new MemoryStreamStore();
        var slow = new SlowStore(memory);
        using CancellationTokenSource givenUp = new(), callers = new();
        var store = new CancellableStore(slow, givenUp.Token);
        Task<StreamInfo?> asked = store.FindStreamAsync("orders", callers.Token).AsTask();
        await givenUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        slow.Answer.SetException(new StreamStoreException("too late for anybody"));
    }

    private sealed class FailingStore(IStreamStore inner, Func<Exception> make) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public bool IsAsynchronous { get; init; }

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => IsAsynchronous ? ValueTask.FromException<StreamInfo?>(make()) : throw make();
    }

    private sealed class SlowStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource<StreamInfo?> Answer { get; } = new();

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => new(Answer.Task);
    }
}
