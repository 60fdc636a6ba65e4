namespace Sluice.Sqlite;

/// <summary>
/// The records of a sink in a database outside of the store: the number of its transactions, and the rows to undo the last one.
/// </summary>
internal sealed class SinkNotes(Database database, string name)
{
    /// <summary>The number of the last transaction; zero if there is none.</summary>
    public long Number => Read("SELECT number FROM sluice_sink WHERE name = ?") ?? 0;

    /// <summary>Whether the store that the sink wrote with has committed any of its transactions.</summary>
    public bool IsConfirmed => Number > 1 || Read("SELECT confirmed FROM sluice_sink WHERE name = ?") == 1;

    public static void Create(Database database)
    {
        database.Execute(
            "CREATE TABLE IF NOT EXISTS sluice_sink(name TEXT PRIMARY KEY, number INTEGER NOT NULL, confirmed INTEGER NOT NULL, undo TEXT "
                + "NOT NULL) WITHOUT ROWID");
        database.Execute(
            "CREATE TABLE IF NOT EXISTS sluice_sink_row(name TEXT NOT NULL, place INTEGER NOT NULL, row_values BLOB NOT NULL, PRIMARY "
                + "KEY(name, place)) WITHOUT ROWID");
    }

    /// <summary>Writes rows, and records how to undo them, in one transaction.</summary>
    /// <remarks>
    /// A statement that changes nothing, such as an insert that passes over an existing key, has nothing to undo: the row that is there
    /// belongs to another item.
    /// </remarks>
    /// <exception cref="ItemRejectedException">A row was refused; <see cref="ItemRejectedException.Item"/> is its number.</exception>
    public void Write(long number, string insert, string delete, IReadOnlyList<StagedItem<object?[]>> items) => InTransaction(() =>
    {
        // The number of the undo statement's parameters tells how many values of a row must be kept.
        int needed = database.Foreign(delete).Parameters;
        var writes = new SqliteWrites();
        Run("DELETE FROM sluice_sink_row WHERE name = ?", name);
        for (int i = 0; i < items.Count; i++)
        {
            object?[] values = items[i].Value;
            try
            {
                long before = database.TotalChanges;
                Run(insert, values);
                if (database.TotalChanges != before)
                    Run("INSERT INTO sluice_sink_row VALUES(?, ?, ?)", name, i, RowValues.Write(values.AsSpan(0, needed)));
            }
            catch (ItemRejectedException refused)
            {
                throw new ItemRejectedException(refused.Message, refused.InnerException) { Item = i };
            }
        }
        Run("INSERT INTO sluice_sink VALUES(?1, ?2, ?3, ?4) ON CONFLICT(name) DO UPDATE SET number = excluded.number, confirmed = "
            + "excluded.confirmed, undo = excluded.undo", name, number, number > 1, delete);

        void Run(string sql, params ReadOnlySpan<object?> row)
        {
            writes.Clear();
            writes.Add(sql, row).Run(database);
        }
    });

    /// <summary>Undoes the last transaction, the last row first.</summary>
    public void TakeBack(long number) => InTransaction(() =>
    {
        var writes = new SqliteWrites();
        string undo = database.Sql("SELECT undo FROM sluice_sink WHERE name = ?") is var ask && ask.Put(name).Next() ? ask.Text(0) : "";
        ask.Reset();
        Statement rows = database.Sql("SELECT row_values FROM sluice_sink_row WHERE name = ? ORDER BY place DESC").Put(name);
        while (rows.Next()) writes.Add(undo, RowValues.Read(rows.Bytes(0)));
        writes.Add("DELETE FROM sluice_sink_row WHERE name = ?", name);
        writes.Add("UPDATE sluice_sink SET number = ?2 WHERE name = ?1", name, number);
        writes.Run(database);
    });

    public void Confirm() => InTransaction(() => database.Sql("UPDATE sluice_sink SET confirmed = 1 WHERE name = ?").Put(name).Run());

    /// <summary>Forgets all transactions, and keeps the rows.</summary>
    public void Forget() => InTransaction(() =>
    {
        database.Sql("DELETE FROM sluice_sink_row WHERE name = ?").Put(name).Run();
        database.Sql("DELETE FROM sluice_sink WHERE name = ?").Put(name).Run();
    });

    private long? Read(string sql)
    {
        Statement statement = database.Sql(sql).Put(name);
        if (!statement.Next()) return null;
        long value = statement.Long(0);
        statement.Reset();
        return value;
    }

    private void InTransaction(Action write)
    {
        database.Execute("BEGIN IMMEDIATE");
        try
        {
            write();
            database.Execute("COMMIT");
        }
        catch
        {
            if (database.IsInTransaction) database.Execute("ROLLBACK");      // SQLite may have rolled back itself
            throw;
        }
    }
}
