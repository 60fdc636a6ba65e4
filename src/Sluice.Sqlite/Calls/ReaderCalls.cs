namespace Sluice.Sqlite;

/// <summary>Calls about readers.</summary>
internal static class ReaderCalls
{
    public static StoredReader Open(Session session, StoredStream stream, string name, ReaderOptions options)
    {
        if (!stream.Readers.TryGetValue(name, out StoredReader? reader))
        {
            session.Write();
            session.Sql("INSERT INTO sluice_reader(stream, name, start, expires, gates) VALUES(?, ?, ?, ?, ?)")
                .Put(stream.Id).Put(name).Put((long)options.Start).Put(options.IdleTimeout?.Ticks).Put(options.AppliesBackpressure ? 1 : 0)
                .Run();
            Statement row = session.Sql("SELECT id FROM sluice_reader WHERE stream = ? AND name = ?").Put(stream.Id).Put(name);
            row.Next();
            long id = row.Long(0);
            row.Reset();
            long[] next = [.. stream.Logs.Select(log => 1 + (options.Start == StreamStart.First ? log.Trimmed : log.Tail))];
            for (int i = 0; i < next.Length; i++) session.Sql("INSERT INTO sluice_cursor VALUES(?, ?, ?)").Put(id).Put(i).Put(next[i])
                .Run();
            reader = new(id, stream, name, options, next);
            reader.Count();
            stream.Readers.Add(name, reader);
        }
        reader.Use();
        return reader;
    }

    public static ReadResult Read(Session session, ReadRequest request)
    {
        StoredStream stream = session.Stream(request.Stream);
        StoredLog log = stream.Logs[Session.Checked(request.Partition, stream)];
        if (request.Reader is { } name && stream.Readers.TryGetValue(name, out StoredReader? reader)) reader.Use();
        StreamCalls.Swept(stream);
        return request.Read(log.Tail, log.Trimmed, stream.End, log.Read);
    }

    public static void CheckMove(Session session, CursorCommit move)
    {
        StoredStream stream = session.Stream(move.Stream);
        long tail = stream.Logs[Session.Checked(move.Partition, stream)].Tail;
        if (move.Next > tail + 1)
            throw new StoreRolledBackException(
                $"The reader {move.Reader} was to be moved to {move.Stream}/{move.Partition}/{move.Next}, but the last entry is {tail}: "
                    + $"the store has lost writes.")
            { Stream = move.Stream, Partition = move.Partition, Sequence = move.Next };
    }

    public static bool Move(Session session, CursorCommit move)
    {
        StoredStream stream = session.Stream(move.Stream);
        if (!stream.Readers.TryGetValue(move.Reader, out StoredReader? reader)) return false;
        reader.Use();
        if (move.Next <= reader.Next(move.Partition)) return true;
        reader.MoveTo(move.Partition, move.Next);
        stream.Trim(move.Partition);
        session.Changes.AddRoom(stream.Name);
        return true;
    }
}
