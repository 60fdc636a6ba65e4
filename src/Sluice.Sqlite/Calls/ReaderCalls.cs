namespace Sluice.Sqlite;

/// <summary>Readers and reading.</summary>
internal static class ReaderCalls
{
    public static StoredReader Open(Session session, StoredStream stream, string name, ReaderOptions options)
    {
        if (!stream.Readers.TryGetValue(name, out StoredReader? reader))
        {
            session.Write();
            session.Sql("INSERT INTO sluice_reader(stream, name, start, expires, gates) VALUES(?, ?, ?, ?, ?)")
                .Put(stream.Id).Put(name).Put((long)options.Start).Put(options.ExpiresAfter?.Ticks).Put(options.Gates ? 1 : 0).Run();
            Statement row = session.Sql("SELECT id FROM sluice_reader WHERE stream = ? AND name = ?").Put(stream.Id).Put(name);
            row.Next();
            long id = row.Long(0);
            row.Reset();
            long[] next = [.. stream.Logs.Select(log => 1 + (options.Start == StreamStart.First ? log.Trimmed : log.Tail))];
            for (int i = 0; i < next.Length; i++) session.Sql("INSERT INTO sluice_cursor VALUES(?, ?, ?)").Put(id).Put(i).Put(next[i]).Run();
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
        if (request.From > log.Tail + 1)
            throw new StoreWentBackException(
                $"{request.Stream}/{request.Partition} was to be read from {request.From}, but its last entry is {log.Tail}: the store has lost writes, or nobody has read that far.")
            { Stream = request.Stream, Partition = request.Partition, Sequence = request.From };

        long next = Math.Max(request.From, log.Trimmed + 1);
        long missed = next - request.From;
        List<Entry> entries = [];
        for (long bytes = request.MaxBytes; next <= log.Tail && entries.Count < request.MaxItems; next++)
        {
            Entry entry = log.Read(next);
            bytes -= entry.Headers.Length + entry.Payload.Length;
            if (bytes < 0 && entries.Count > 0) break;
            entries.Add(entry);
        }
        return new(entries.ToArray(), next, missed, next > log.Tail ? stream.End : null);
    }

    public static void CheckMove(Session session, CursorMove move)
    {
        StoredStream stream = session.Stream(move.Stream);
        long tail = stream.Logs[Session.Checked(move.Partition, stream)].Tail;
        if (move.Next > tail + 1)
            throw new StoreWentBackException(
                $"The reader {move.Reader} was to be moved to {move.Stream}/{move.Partition}/{move.Next}, but the last entry is {tail}: the store has lost writes.")
            { Stream = move.Stream, Partition = move.Partition, Sequence = move.Next };
    }

    public static bool Move(Session session, CursorMove move)
    {
        StoredStream stream = session.Stream(move.Stream);
        if (!stream.Readers.TryGetValue(move.Reader, out StoredReader? reader)) return false;
        reader.Use();
        if (move.Next <= reader.Next(move.Partition)) return true;
        reader.MoveTo(move.Partition, move.Next);
        stream.Trim(move.Partition);
        session.Changed(stream.Name);
        return true;
    }
}
