using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Sluice.Sqlite.Tests;

/// <summary>A store is closed while a consecutor uses it.</summary>
public sealed class ClosedStoreTests : IDisposable
{
    private const int Senders = 64;

    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    /// <remarks>Each sender, each wait for a change and each commit once left a failed task whose exception nobody observed.</remarks>
    [Fact]
    public async Task CallsOnAClosedStoreEndWithoutUnobservedExceptions()
    {
        var unseen = new ConcurrentQueue<string>();
        EventHandler<UnobservedTaskExceptionEventArgs> note = (_, e) =>
        {
            // Other tests run at the same time. The exceptions of this test name its file or its consecutor.
            if (e.Exception.ToString() is var text && (text.Contains(directory.Path, StringComparison.Ordinal)
                || text.Contains("closed-under-way", StringComparison.Ordinal))) unseen.Enqueue(text);
        };
        TaskScheduler.UnobservedTaskException += note;
        try
        {
            await CloseUnderAsync(Path.Combine(directory.Path, "store.db"));
            await CloseAfterOneGaveUpAsync(Path.Combine(directory.Path, "left.db"));
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= note;
        }
        Assert.True(unseen.IsEmpty, string.Join(Environment.NewLine, unseen));
    }

    /// <remarks>It once had a second line, "Object name: …".</remarks>
    [Fact]
    public async Task TheErrorOfAClosedStoreIsOneLineThatNamesTheFile()
    {
        string path = Path.Combine(directory.Path, "store.db");
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, cancellation: Cancellation);
        await store.OpenStreamAsync("s", new() { Partitions = 1 }, Cancellation);
        long seen = await store.WaitForChangeAsync("s", -1, Cancellation);
        Task<long> waiting = store.WaitForChangeAsync("s", seen, Cancellation).AsTask();
        await store.DisposeAsync();
        string line = $"The store {path} was disposed, and takes no more calls. Dispose it last, after the consecutors and supervisors "
            + "that use it.";
        Assert.Equal(line, (await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting)).Message);
        await using var numbers = new Consecutor<int>("numbers", source => source | (_ => { }), new() { Store = store });
        Assert.Equal(line, (await Assert.ThrowsAsync<ObjectDisposedException>(() => numbers.StartAsync(Cancellation))).Message);
    }

    [Fact]
    public async Task ASecondDisposalEndsWithTheFirst()
    {
        string path = Path.Combine(directory.Path, "store.db");
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, cancellation: Cancellation);
        var held = new TaskCompletionSource();
        Task calls = store.WithDatabaseAsync(_ => held.Task.Wait()).AsTask();
        Task first = store.DisposeAsync().AsTask(), second = store.DisposeAsync().AsTask();
        Assert.False(first.IsCompleted || second.IsCompleted);
        held.SetResult();
        await second;
        await using SqliteStreamStore again = await SqliteStreamStore.OpenAsync(path, Durability.Process, cancellation: Cancellation);
        await Task.WhenAll(calls, first);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task CloseAfterOneGaveUpAsync(string path)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, cancellation: Cancellation);
        await store.OpenStreamAsync("s", new() { Partitions = 1 }, Cancellation);
        long seen = await store.WaitForChangeAsync("s", -1, Cancellation);
        using var given = new CancellationTokenSource();
        Task<long> waiting = store.WaitForChangeAsync("s", seen, given.Token).AsTask();
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task CloseUnderAsync(string path)
    {
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, cancellation: Cancellation);
        int seen = 0;
        var busy = new TaskCompletionSource();
        var consecutor = new Consecutor<int>("closed-under-way", source => source.ForEach(_ =>
        {
            if (++seen == 1000) busy.TrySetResult();
        }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        Task[] sending = [.. Enumerable.Range(0, Senders).Select(SendAllAsync)];
        await busy.Task;
        await store.DisposeAsync();

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => consecutor.Completion);
        Assert.StartsWith("The store of the consecutor closed-under-way was disposed while the consecutor was running", failure.Message,
            StringComparison.Ordinal);
        await Task.WhenAll(sending);
        await consecutor.DisposeAsync();
        await AnotherAsync(path);

        async Task SendAllAsync(int first)
        {
            await Task.Yield();
            try
            {
                for (int item = first; ; item += Senders) await consecutor.SendAsync(item, Cancellation);
            }
            catch (InvalidOperationException e) when (e.Message.Contains("consecutor closed-under-way ", StringComparison.Ordinal))
            {
                // each sender gets this error
            }
        }
    }

    /// <summary>The accepted items are there. The test neither observes the completion of this consecutor nor disposes it.</summary>
    private static async Task AnotherAsync(string path)
    {
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, cancellation: Cancellation);
        var consecutor = new Consecutor<int>("closed-under-way", source => source.ForEach(_ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        Assert.True((await consecutor.WaitForIdleAsync(Cancellation)).Completed >= 1000);
        await store.DisposeAsync();
        while (!consecutor.Completion.IsCompleted) await Task.Yield();         // disposing the consecutor would observe its exception
    }
}
