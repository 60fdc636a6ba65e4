using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    private const int MaxKindBytes = 255;

    /// <summary>
    /// A source that resumes at its stored position, and is told what is stored. Use it for a system that keeps its items until they are
    /// acknowledged: acknowledge up to <see cref="SourceProgress.Stored"/>.
    /// </summary>
    /// <remarks>
    /// The rules of <see cref="Resumable{T}(string, Func{ReadOnlyMemory{byte}, CancellationToken, IAsyncEnumerable{WithPosition{T}}})"/>
    /// hold. Items may be gone at the next start: see <see cref="SourceProgress.Interrupted"/>.
    /// </remarks>
    /// <param name="name">The name under which the position is stored: 1 to 200 characters, no control characters. One run at a time owns
    /// it: a later run takes it over.</param>
    /// <param name="kind">The kind of source, which is stored with the position: 255 bytes of UTF-8 at most. Another kind cannot go on from
    /// it.</param>
    /// <param name="produce">Makes the items behind <see cref="SourceProgress.Start"/>. Positions have 1 to 1,900 bytes.</param>
    /// <exception cref="ArgumentException">The name is empty, or the kind is empty or too long.</exception>
    public static Source<T> Acknowledged<T>(string name, string kind,
        Func<SourceProgress, CancellationToken, IAsyncEnumerable<WithPosition<T>>> produce)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(produce);
        if (Encoding.UTF8.GetByteCount(kind) > MaxKindBytes)
            throw new ArgumentException($"The kind of a source has {MaxKindBytes} bytes at most.", nameof(kind));
        return new ResumableSource<T>(name, Pump, StageOptions.Default);

        ResumablePump<T> Pump(StageContext context, Inlet<T> next)
        {
            ResumablePump<T> pump = null!;
            var progress = new SourceProgress(() => pump.PassOverItem());
            return pump = new(context, next, name, kind, (start, _, cancellation) => ReadAsync(progress, start, cancellation))
            {
                Progress = progress,
                Between = SourceProgress.Between,
                ResumesBehind = true,
            };
        }

        async IAsyncEnumerable<WithPosition<T>> ReadAsync(SourceProgress progress, ReadOnlyMemory<byte> start,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            progress.Begin(start);
            IAsyncEnumerable<WithPosition<T>> items = produce(progress, cancellation)
                ?? throw new InvalidOperationException(
                $"The function of the producer '{name}' returned null instead of a sequence. If there is nothing, return an empty one.");
            await foreach (WithPosition<T> item in items.WithCancellation(cancellation))
            {
                if (item.Position.IsEmpty) throw ResumablePump<T>.NoPosition(name);
                if (item.Position.Length > SourceProgress.MaxBytes) throw new InvalidDataException(
                    $"A position of the producer '{name}' has {item.Position.Length:N0} bytes, and may have {SourceProgress.MaxBytes:N0}.");
                yield return new(item.Item, SourceProgress.Tagged(item.Position));
            }
        }
    }
}
