namespace Sluice;

// The end of the input.
public sealed partial class Consecutor<T>
{
    /// <summary>
    /// Says that the input is complete: from here on nothing is accepted, from nobody, also not after restarts. When everything that was accepted has ended, retries included, nodes put out what they hold,
    /// each of them once, whatever dies meanwhile: the result of an aggregate, the rest of a chunk, windows that are open, and what <c>StatefulStageNode.EndKeyAsync</c> pushes.
    /// </summary>
    /// <remarks>
    /// <para>A stop is no end: it leaves what nodes hold in the store. Await what you send before: what is under way is accepted or refused. It may be called again, and by any process.</para>
    /// <para>Nodes end in the order in which they follow each other, in each partition by itself; a consecutor that this one feeds is complete when you say so: call its own, when <see cref="WaitForIdleAsync"/> of this one has come back.</para>
    /// <para>What is redriven later goes through as ever, and what nodes hold of it is put out once more.</para>
    /// </remarks>
    /// <param name="cancellation">Gives up; it may have been done or not.</param>
    /// <returns>A task that ends when this is as durable as the store is. <see cref="WaitForIdleAsync"/> waits for what follows.</returns>
    /// <exception cref="InvalidOperationException">The consecutor has ended.</exception>
    /// <exception cref="StreamStoreException">The store failed: call it again.</exception>
    public async Task CompleteAsync(CancellationToken cancellation = default)
    {
        if (core.Life.IsCancellationRequested) throw core.Over();
        if (local is null)
        {
            await core.OpenAsync(cancellation).ConfigureAwait(false);
            await core.Store.EndStreamAsync(Name, StreamEnd.Complete, cancellation).ConfigureAwait(false);
        }
        core.IsInputComplete = true;
        core.Changed();
    }
}
