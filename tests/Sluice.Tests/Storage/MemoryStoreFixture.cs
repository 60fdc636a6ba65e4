using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>A memory store that outlives its users: closing or killing ends only the handle.</summary>
internal class MemoryStoreFixture(Func<IStreamStore, IStreamStore>? wrap = null) : StreamStoreFixture
{
    private readonly RelayedTime time = new();
    private MemoryStreamStore? store;

    public override ValueTask<IStreamStore> OpenAsync(TimeProvider time)
    {
        this.time.Follow(time);
        store ??= new MemoryStreamStore(this.time);
        var user = new User(store);
        return ValueTask.FromResult(wrap is null ? user : wrap(user));
    }

    public override ValueTask KillAsync(IStreamStore store) => store.DisposeAsync();

    public override ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => ValueTask.FromResult(store!.Damage(stream, partition, sequence));

    public override bool CanOpenSeveral(IStreamStore store) => true;          // two users of one store

    /// <summary>Makes an entry unreadable, because a memory store cannot lose a single entry.</summary>
    public override ValueTask<bool> DeleteAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => DamageAsync(stream, partition, sequence, payload);

    public override async ValueTask DisposeAsync()
    {
        if (store is not null) await store.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>A user of the store, who is told when it is closed for this user.</summary>
    private sealed class User(IStreamStore store) : StreamStoreWrapper(store, leaveOpen: true)
    {
        private readonly CancellationTokenSource closed = new();

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            ObjectDisposedException.ThrowIf(closed.IsCancellationRequested, this);
            try
            {
                return await call().AsTask().WaitAsync(closed.Token);
            }
            catch (OperationCanceledException) when (closed.IsCancellationRequested)
            {
                throw new ObjectDisposedException(nameof(User));
            }
        }

        public override async ValueTask DisposeAsync()
        {
            await closed.CancelAsync();
            await base.DisposeAsync();
        }
    }

    /// <summary>One monotonic clock, combined from several.</summary>
    private sealed class RelayedTime : TimeProvider
    {
        private TimeProvider current = System;
        private long begun;
        private TimeSpan before;

        public void Follow(TimeProvider next)
        {
            if (!ReferenceEquals(current, System)) before += current.GetElapsedTime(begun);
            (current, begun) = (next, next.GetTimestamp());
        }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override DateTimeOffset GetUtcNow() => current.GetUtcNow();
        public override long GetTimestamp() => (before + current.GetElapsedTime(begun)).Ticks;
    }
}
