namespace Sluice.Sqlite;

/// <summary>What applications write in the transactions of the store.</summary>
internal static class AttachmentCalls
{
    public static void Check(IReadOnlyList<object> attachments)
    {
        foreach (object attachment in attachments)
            if (attachment is not SqliteWrites)
                throw new StreamStoreException(
                    $"A commit has an attachment of the type {attachment.GetType().Name}, which a SQLite store cannot apply: it knows {nameof(SqliteWrites)}. Nothing was applied.");
    }

    /// <summary>Runs them under a savepoint: if one fails, the transaction goes on for the other callers as if this one had not been there.</summary>
    public static void Run(Session session, IReadOnlyList<object> attachments)
    {
        if (attachments.Count == 0) return;
        bool before = session.HasTouched;
        session.Write();
        session.Sql("SAVEPOINT sink").Run();
        try
        {
            foreach (SqliteWrites writes in attachments.Cast<SqliteWrites>()) writes.Run(session.Database);
            session.Sql("RELEASE sink").Run();
        }
        catch (StreamStoreException)
        {
            session.Sql("ROLLBACK TO sink").Run();
            session.Sql("RELEASE sink").Run();
            session.HasTouched = before;
            throw;
        }
    }
}
