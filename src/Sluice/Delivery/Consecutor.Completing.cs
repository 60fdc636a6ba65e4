namespace Sluice;

// The end of the input.
public sealed partial class Consecutor<T>
{
    /// <summary>
    /// Declares the input complete: the stream accepts no more items, from any process, also after restarts. When every accepted item has
    /// ended, retries included, nodes emit the items that they hold, each exactly once even if processes die: the result of an aggregate,
    /// the rest of a chunk, open windows, and the items that <c>StatefulStageNode.EndKeyAsync</c> pushes.
    /// </summary>
    /// <remarks>
    /// <para>A stop does not complete the input: held items stay in the store. Await your sends first; a concurrent send is either accepted
    /// or refused. The call may be repeated, by any process.</para>
    /// <para>In each partition, nodes end in the order of the pipeline. A consecutor that this one feeds is not completed with it: call its
    /// own <c>CompleteAsync</c> when <see cref="WaitForIdleAsync"/> of this one has returned.</para>
    /// <para>Items that are redriven later go through as usual, and nodes emit once more the items that they hold of them.</para>
    /// </remarks>
    /// <param name="cancellation">Gives up; the input may or may not be complete.</param>
    /// <returns>A task that ends when the completion is as durable as the store. <see cref="WaitForIdleAsync"/> waits for the items that
    /// nodes emit at the end.</returns>
    /// <exception cref="InvalidOperationException">The consecutor has ended.</exception>
    /// <exception cref="StreamStoreException">The store failed: call it again.</exception>
    public async Task CompleteAsync(CancellationToken cancellation = default)
    {
        if (core.Lifetime.Token.IsCancellationRequested) throw core.Lifetime.Over();
        if (local is null)
        {
            await core.OpenAsync(cancellation).ConfigureAwait(false);
            await core.Store.EndStreamAsync(Name, StreamEnd.Complete, cancellation).ConfigureAwait(false);
        }
        core.Stream.IsInputComplete = true;
        local?.Close();
        core.Pump.Changed();
    }
}
