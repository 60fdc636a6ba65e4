using System.Data.Common;

namespace Sluice.PostgreSql;

/// <summary>
/// Sends in a transaction of the caller: the items are accepted if and only if it commits. For consecutors whose store is a
/// <see cref="PostgresStreamStore"/> in the database of the transaction.
/// </summary>
/// <remarks>
/// <para>
/// Items wait in a table of the store, invisible to everybody, until the transaction commits; then the next call to the stream moves them
/// into their partitions. The process that has sent them looks for the commit, often at first, and more and more rarely. If it dies,
/// consumers find the items within <see cref="PostgresStoreOptions.PollInterval"/>.
/// </para>
/// <para>
/// Order: if a send begins after the transaction of another send to the same consecutor has committed, its items of the same key come
/// later. The items of one transaction keep their order. Sends of transactions that overlap have none.
/// </para>
/// <para>
/// Errors of the server, such as a serialization failure (40001), are thrown as they are, so that retry strategies recognize them; the
/// transaction has then failed. All other refusals leave the transaction as it was. Sends in one transaction follow each other, as all
/// commands of a connection do: await each one before the next command and before the end of the transaction. A send that finds its
/// transaction ended fails, and accepts nothing.
/// </para>
/// </remarks>
public static class TransactionSends
{
    /// <summary>Sends an item in a transaction. It is accepted when, and only if, the transaction commits.</summary>
    /// <param name="sender">The consecutor; it need not have started, here or elsewhere.</param>
    /// <param name="item">The item.</param>
    /// <param name="transaction">
    /// A transaction of Npgsql on the store's database that has not completed. With EF Core:
    /// <c>db.Database.CurrentTransaction!.GetDbTransaction()</c>.
    /// </param>
    /// <param name="cancellation">Gives up waiting. A statement that is cancelled fails the transaction.</param>
    /// <exception cref="ArgumentException">The transaction is none of Npgsql, or the sender is no consecutor.</exception>
    /// <exception cref="InvalidOperationException">
    /// The consecutor has no PostgreSQL store or has ended; or the transaction has completed, has failed before, or is of another database
    /// than the store.
    /// </exception>
    /// <exception cref="PayloadException">The item cannot be written, is too long, or its key cannot be found.</exception>
    /// <exception cref="StreamStoreException">The stream is full, or the store cannot be reached.</exception>
    /// <exception cref="PostgresException">The server refused the statement: the transaction has failed.</exception>
    public static Task SendAsync<T>(this ISender<T> sender, T item, DbTransaction transaction, CancellationToken cancellation = default)
        => SendAllAsync(sender, [item], transaction, cancellation);

    /// <summary>Sends several items in a transaction, in order. They are accepted when, and only if, the transaction commits.</summary>
    /// <inheritdoc cref="SendAsync{T}"/>
    /// <param name="sender">The consecutor.</param>
    /// <param name="items">The items.</param>
    /// <param name="transaction">A transaction of Npgsql on the store's database that has not completed.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public static async Task SendAllAsync<T>(this ISender<T> sender, IEnumerable<T> items, DbTransaction transaction,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        IReadOnlyList<T> all = items as IReadOnlyList<T> ?? [.. items];
        CallerTransaction caller = CallerTransaction.Of(sender, transaction);
        if (all.Count == 0) return;
        SendResult sent = await RunAsync(caller, sender, all, null, cancellation).ConfigureAwait(false);
        if (sent.Status == SendStatus.Full) throw new StreamStoreException(
            $"The stream {caller.Stream} is full: nothing of this send is accepted, and your transaction goes on. Nothing waits for room "
                + "in a transaction, because it would keep its locks meanwhile. Roll it back and repeat it later, or use TrySendAsync, "
                + "or give the consecutor a new name and a larger stream: MaxItems and MaxBytes of ConsecutorOptions.Stream count only "
                + "when a stream is made.")
        { Stream = caller.Stream };
    }

    /// <summary>Sends an item in a transaction, if the stream has room and the idempotency key is new.</summary>
    /// <inheritdoc cref="SendAsync{T}"/>
    /// <remarks>
    /// Two open transactions that send under one key follow each other, as with a unique column: the second one waits for the end of the
    /// first one. Sends outside of transactions never wait: if one is accepted under the key before the transaction commits, an equal item
    /// of the transaction is not accepted again, although the answer was <see cref="SendStatus.Accepted"/>. If the items of two sends under
    /// one key differ, and the first one's transaction has just committed, the second one may be accepted, too, and be no conflict.
    /// </remarks>
    /// <param name="sender">The consecutor.</param>
    /// <param name="item">The item.</param>
    /// <param name="transaction">A transaction of Npgsql on the store's database that has not completed.</param>
    /// <param name="options">An idempotency key; <see cref="SendOptions.Timeout"/> must be zero.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>
    /// <see cref="SendStatus.Accepted"/> if the items are accepted with the transaction; other answers have accepted nothing.
    /// </returns>
    public static Task<SendResult> TrySendAsync<T>(this ISender<T> sender, T item, DbTransaction transaction, SendOptions? options = null,
        CancellationToken cancellation = default)
    {
        if (options?.Timeout > TimeSpan.Zero)
            throw new ArgumentException("A send in a transaction does not wait for room, because the transaction would keep its locks "
                + "meanwhile. Leave SendOptions.Timeout at zero.", nameof(options));
        return RunAsync(CallerTransaction.Of(sender, transaction), sender, [item], options, cancellation);
    }

    private static Task<SendResult> RunAsync<T>(CallerTransaction caller, ISender<T> sender, IReadOnlyList<T> items,
        SendOptions? options, CancellationToken cancellation)
        => ((Consecutor<T>)sender).SendEntriesAsync(items, entries => caller.SendAsync(entries, options, cancellation), cancellation);
}
