namespace Sluice.Sqlite;

/// <summary>What a sink notes in a database that is not the store's: how many transactions it has made, and how to take the last one back.</summary>
internal sealed class SinkNotes(Database database, string name)
{
    /// <summary>The number of the last transaction; zero if there was none.</summary>
    public long Number => Read("SELECT number FROM sluice_sink WHERE name = ?") ?? 0;

    /// <summary>Whether a transaction of it was committed by the store that it was written with.</summary>
    public bool IsConfirmed => Number > 1 || Read("SELECT confirmed FROM sluice_sink WHERE name = ?") == 1;

    public static void Create(Database database)
    {
        database.Execute("CREATE TABLE IF NOT EXISTS sluice_sink(name TEXT PRIMARY KEY, number INTEGER NOT NULL, confirmed INTEGER NOT NULL, undo TEXT NOT NULL) WITHOUT ROWID");
        database.Execute("CREATE TABLE IF NOT EXISTS sluice_sink_row(name TEXT NOT NULL, place INTEGER NOT NULL, row_values BLOB NOT NULL, PRIMARY KEY(name, place)) WITHOUT ROWID");
    }

    /// <summary>Writes rows, and notes how to take them back, in one transaction.</summary>
    public void Write(long number, string insert, string delete, IReadOnlyList<StagedItem<object?[]>> items) => InTransaction(() =>
    {
        // The table's own limit on places tells how many values of a row are needed to find it again.
        int needed = database.Foreign(delete).Parameters;
        var writes = new SqliteWrites();
        writes.Add("DELETE FROM sluice_sink_row WHERE name = ?", name);
        for (int i = 0; i < items.Count; i++)
        {
            object?[] values = items[i].Value;
            writes.Add(insert, values);
            writes.Add("INSERT INTO sluice_sink_row VALUES(?, ?, ?)", name, i, RowValues.Write(values.AsSpan(0, needed)));
        }
        writes.Add("INSERT INTO sluice_sink VALUES(?1, ?2, ?3, ?4) ON CONFLICT(name) DO UPDATE SET number = excluded.number, confirmed = excluded.confirmed, undo = excluded.undo",
            name, number, number > 1, delete);
        writes.Run(database);
    });

    /// <summary>Which item a statement of <see cref="Write"/> belongs to; null if to none. The first one is about the notes; then there are two for each item.</summary>
    public static int? ItemOf(int? statement) => statement is > 0 and var number ? (number - 1) / 2 : null;

    /// <summary>Takes the last transaction back, the last row first.</summary>
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

    /// <summary>Begins anew, with the rows as they are.</summary>
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
            if (database.IsInTransaction) database.Execute("ROLLBACK");      // SQLite may have done it itself
            throw;
        }
    }
}
