using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source that resumes at its stored position. In front of a consecutor, the position behind an item is stored in the append that
    /// accepts the item. So every item is accepted exactly once, however often the process dies. Elsewhere it starts from the beginning.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Stages between it and the consecutor must be deterministic, keep the order and hold no items. The source must be the only one of its
    /// pipeline, and lead to one consecutor.
    /// </para>
    /// <para>
    /// If there are stages between, a crash, a failure or a cancellation may interrupt an item. Then the position before that item is
    /// stored, with the number of outputs that were accepted. The function must make that item again, as the first one: as many outputs are
    /// skipped. If an item may be gone by then, use <see cref="Acknowledged"/>, or put the stages behind the consecutor.
    /// </para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored: 1 to 200 characters, no control characters. One run at a time owns
    /// it: a later run takes it over.</param>
    /// <param name="produce">Makes the items behind a position; an empty position means the beginning. Items that were accepted before it
    /// may be gone.</param>
    public static Source<T> Resumable<T>(string name,
        Func<ReadOnlyMemory<byte>, CancellationToken, IAsyncEnumerable<WithPosition<T>>> produce)
    {
        ArgumentNullException.ThrowIfNull(produce);
        return Resumable(name, "Source.Resumable(name, function)", (position, _, cancellation) => produce(position, cancellation),
            resumesBehind: true);
    }

    /// <summary>
    /// A source of a sequence that is the same at every start, and may grow at its end. It resumes by counting: in front of a consecutor it
    /// skips as many items as it has sent under its name. It compares only the last of them, and warns if that was another item.
    /// </summary>
    /// <remarks>
    /// <para>
    /// For other items, such as tomorrow's orders, use another name, or <see cref="Consecutor{T}.SendAsync(T, CancellationToken)"/>. A
    /// sequence that is shorter than the number of skipped items fails the run. If the last skipped item is another one than the item that
    /// was accepted, or has fewer parts, the consecutor warns (<see cref="ConsecutorOptions.OnWarning"/>). The items of
    /// compressed or signed payloads are not compared.
    /// </para>
    /// <para>
    /// Stages between it and the consecutor must be deterministic, keep the order and hold no items. The source must be the only one of its
    /// pipeline, and lead to one consecutor.
    /// </para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="items">The sequence.</param>
    public static Source<T> Resumable<T>(string name, IEnumerable<T> items)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(items);
        return new ResumableSource<T>(name, (context, next) => new CountedPump<T>(context, next, name, items), StageOptions.Default);
    }

    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="kind">The kind of producer (<see cref="IResumablePump.Kind"/>).</param>
    /// <param name="produce">Makes the items behind a position; it is told how many parts of the first item were accepted.</param>
    /// <param name="file">The file that it reads; null for none.</param>
    /// <param name="resumesBehind">Whether it resumes behind an item that was accepted, instead of making it again.</param>
    /// <param name="waitsForKeys">Whether a run that stops does not wait for the function
    /// (<see cref="ResumablePump{T}.WaitsForKeys"/>).</param>
    private static ResumableSource<T> Resumable<T>(string name, string kind,
        Func<ReadOnlyMemory<byte>, long, CancellationToken, IAsyncEnumerable<WithPosition<T>>> produce, string? file = null,
        bool resumesBehind = false, bool waitsForKeys = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new(name, Pump, StageOptions.Default);

        ResumablePump<T> Pump(StageContext context, Inlet<T> next)
        {
            if (file is not null) context.Run.Files.Read(file);
            return new(context, next, name, kind, produce) { ResumesBehind = resumesBehind, WaitsForKeys = waitsForKeys };
        }
    }
}
