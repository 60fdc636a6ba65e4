using System.Text.RegularExpressions;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

public partial class FaultyStoreTests
{
    private sealed class IgnoresCase(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
            => Inner.AppendAsync(request with { Producer = request.Producer.ToUpperInvariant() }, cancellation);
    }

    private sealed class TakesPatterns(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "",
            CancellationToken cancellation = default)
        {
            string pattern = $"^{Regex.Escape(prefix).Replace('_', '.').Replace("%", ".*", StringComparison.Ordinal)}";
            return [.. (await Inner.ListStreamsAsync("", cancellation)).Where(name => Regex.IsMatch(name, pattern))];
        }
    }

    private sealed class KeepsLetters(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private IReadOnlyList<StoredDeadLetter> kept = [];

        public override async ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default)
        {
            kept = await Inner.ListDeadAsync(group, cancellation: cancellation);
            return await Inner.RemoveGroupAsync(group, cancellation);
        }

        public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
            int max = 100, CancellationToken cancellation = default)
            => [.. kept, .. await Inner.ListDeadAsync(group, node, after, max, cancellation)];
    }

    private sealed class KeepsCounts(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private long kept;

        public override async ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default)
        {
            kept = (await Inner.FindStreamAsync(stream, cancellation))?.Appended ?? 0;
            return await Inner.DeleteStreamAsync(stream, cancellation);
        }

        public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => await Inner.FindStreamAsync(stream, cancellation) is { } found ? found with { Appended = found.Appended + kept } : null;
    }

    private sealed class IsAwayWhenDisposed(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            try
            {
                return await call();
            }
            catch (ObjectDisposedException closed)
            {
                throw new StreamStoreException("The connection is closed.", closed);
            }
        }
    }

    private sealed class ReservesNoBytes(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
            CancellationToken cancellation = default) => Inner.ReserveAsync(owner, stream, items, 0, cancellation);
    }

    private sealed class LeasesWithoutABound(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
            => Inner.LeaseAsync(request with { MaxBytes = long.MaxValue }, cancellation);
    }

    private sealed class AppendsToFewPartitions(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
            => request.Entries.Count > 256 ? new(new AppendResult(AppendStatus.Full, 0, null)) : Inner.AppendAsync(request, cancellation);
    }

    private sealed class LeavesOutLongEntries(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            try
            {
                return await Inner.CommitAsync(commit, cancellation);
            }
            catch (PayloadException)
            {
                return await Inner.CommitAsync(commit with { Outputs = [] }, cancellation);
            }
        }
    }

    private sealed class OpensReadersAnew(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            foreach (OpenReader reader in commit.Readers) await Inner.CloseReaderAsync(reader.Stream, reader.Reader, cancellation);
            return await Inner.CommitAsync(commit, cancellation);
        }
    }
}
