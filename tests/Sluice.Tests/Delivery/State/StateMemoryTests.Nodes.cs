using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <content>The nodes and the store of these tests.</content>
public partial class StateMemoryTests
{
    private sealed class Count : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State++;
            return output.PushAsync(item);
        }
    }

    private sealed class CountLong : StatefulStageNode<long, long, int>
    {
        protected override ValueTask ProcessAsync(long item, Output<long> output, CancellationToken cancellation)
        {
            State++;
            return output.PushAsync(item);
        }
    }

    private sealed class NoRows : StateWriter
    {
        public override int Put<T>(string key, T value, int version = 0) => 10;

        public override int PutMany<T>(string key, ReadOnlySpan<T> values) => 0;

        public override int PutMany<T>(string key, ReadOnlySpan<long> numbers, ReadOnlySpan<T> values) => throw new NotSupportedException();

        public override int PutBytes(string key, byte[] value) => throw new NotSupportedException();

        public override void Delete(string key) { }
    }

    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private int reads, commits;

        public int Reads => Volatile.Read(ref reads);

        public int Commits => Volatile.Read(ref commits);

        public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
        {
            if (node == "count") Interlocked.Increment(ref reads);
            return base.ReadStateAsync(group, partition, node, keys, cancellation);
        }

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref commits);
            return base.CommitAsync(commit, cancellation);
        }
    }
}
