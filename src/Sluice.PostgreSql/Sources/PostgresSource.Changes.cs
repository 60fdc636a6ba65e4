using Sluice.PostgreSql.Sources;

namespace Sluice.PostgreSql;

public static partial class PostgresSource
{
    /// <summary>
    /// A source of the changes of a publication, by logical replication: first a snapshot of its tables, then inserts, updates, deletes and
    /// truncations, in the order of the commits. In front of a consecutor, each change is accepted exactly once.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The source creates a replication slot, and acknowledges a transaction to the server once its changes are durable in the consecutor's
    /// store. Until then the server keeps its log: limit it by <c>max_slot_wal_keep_size</c>. A slot that is gone, was invalidated, or was
    /// moved on by another program, fails the run, because changes are lost. When you no longer need the source, drop its slot
    /// (<c>pg_drop_replication_slot</c>).
    /// </para>
    /// <para>
    /// A snapshot cannot be continued: if it is interrupted, it begins anew with <see cref="PostgresChangeKind.SnapshotStarted"/>, and its
    /// rows come again. Treat the rows of a snapshot as upserts. While it is read, statements that change its tables (<c>ALTER TABLE</c>)
    /// wait for it. A consecutor keeps the order of the changes if it has one partition, or one key for all.
    /// </para>
    /// <para>
    /// The server needs <c>wal_level=logical</c>, and the user the right <c>REPLICATION</c> and <c>SELECT</c> on the tables, and
    /// <c>BYPASSRLS</c> if a policy hides rows from it. Changes of the schema are not items: rows have the columns of the time of their
    /// change. Elsewhere than in front of a consecutor with a store the slot is temporary, and each run begins with a snapshot.
    /// </para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored. One run at a time owns it.</param>
    /// <param name="connection">The connection string of the primary, without a pooler between. With several servers (<c>Host=a,b</c>)
    /// the source finds the primary.</param>
    /// <param name="publication">The publication: <c>CREATE PUBLICATION shop FOR TABLE orders, customers</c>.</param>
    /// <param name="item">Makes an item of a change. An exception fails the run with a message that names the change.</param>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentException">A name is empty, or the connection string is malformed or has words of stores.</exception>
    public static Source<T> Changes<T>(string name, string connection, string publication, Func<PostgresChange, T> item,
        PostgresChangesOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(publication);
        ArgumentNullException.ThrowIfNull(item);
        string text = ChangesAddress.Of(connection);
        PostgresChangesOptions chosen = options ?? new();
        return Source.Acknowledged(name, "PostgresSource.Changes", (progress, cancellation) =>
            new ChangesFollower<T>(name, text, publication, item, chosen).ReadAsync(progress, cancellation));
    }
}
