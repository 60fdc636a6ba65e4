using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Programs;

namespace Sluice.Sqlite.Tests;

/// <summary>Another process locks the file: calls keep their deadlines, and no accepted item is lost.</summary>
[StartsProcesses]
public sealed class LockedFileTests : IDisposable
{
    // In real time: only a call that hangs takes that long. Each call of the store waits up to five seconds for the lock.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStopOnALockedFileKeepsItsDeadlineAndLosesNothing()
    {
        string path = Path.Combine(directory.Path, "store.db");
        var store = await SqliteStreamStore.OpenAsync(path, Durability.Process);
        await using (var consecutor = new Consecutor<int>("work", source => source.ForEach(_ => { }),
            new() { Store = store, OnWarning = _ => { } }))
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([.. Enumerable.Range(0, 10)], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            using (Process holder = await LockAsync(path))
            {
                Task[] sends = [.. Enumerable.Range(10, 10).Select(n => consecutor.SendAsync(n, Cancellation).AsTask())];
                using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(100), TimeProvider.System);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => consecutor.TrySendAsync(100,
                    new() { IdempotencyKey = "hundred" }, patience.Token).WaitAsync(Patience, Cancellation));
                await consecutor.StopAsync(TimeSpan.FromSeconds(1)).WaitAsync(Patience, Cancellation);
                foreach (Task send in sends) await Assert.ThrowsAnyAsync<Exception>(() => send.WaitAsync(Patience, Cancellation));
                await consecutor.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
                await store.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
                await EndAsync(holder);
            }
        }
        await using SqliteStreamStore again = await SqliteStreamStore.OpenAsync(path, Durability.Process);
        await using var next = new Consecutor<int>("work", source => source.ForEach(_ => { }), new() { Store = again });
        await next.StartAsync(Cancellation);
        ConsecutorSnapshot books = await next.WaitForIdleAsync(Cancellation).WaitAsync(Patience, Cancellation);
        Assert.InRange(books.Accepted, 10, 21);                          // unacknowledged items may have been accepted
        Assert.Equal((books.Accepted, 0), (books.Completed, books.Unaccounted));
    }

    public void Dispose() => directory.Dispose();

    private static async Task<Process> LockAsync(string path)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [typeof(FileLock).Assembly.Location, "store", "lock", path])
        { RedirectStandardInput = true, RedirectStandardOutput = true };
        Process process = Process.Start(start)!;
        Assert.Equal("locked", await process.StandardOutput.ReadLineAsync(Cancellation));
        return process;
    }

    private static async Task EndAsync(Process holder)
    {
        holder.StandardInput.Close();
        await holder.WaitForExitAsync(Cancellation);
    }
}
