namespace Sluice.Sqlite;

/// <summary>
/// Verifies the whole store over its own connection. It reads a limited number of chunks at a time, so that checkpoints of the write-ahead
/// log can proceed meanwhile. Data that must agree is read in one snapshot, and so is the file by SQLite's own check: as long as that
/// takes, the log grows.
/// </summary>
internal sealed class IntegrityCheck(Database database, CancellationToken cancellation)
{
    private const int ChunksAtOnce = 256;
    private const int MaxProblems = 1000;

    private readonly Dictionary<long, string> streams = [];
    private readonly List<string> problems = [];
    private readonly Dictionary<(long Log, long Next), long> lost = [];
    private long entries;

    public IntegrityReport Run()
    {
        database.InterruptWhen(cancellation);        // SQLite's own check is one statement
        try
        {
            // Includes the indexes: an index without a row hides it, and no other check compares the indexes of producers, letters and old
            // chunks with their tables.
            foreach (string problem in new FileCheck(database).Find()) Report(problem);
            Statement names = database.Sql("SELECT id, name FROM sluice_stream");
            while (names.Next()) streams[names.Long(0)] = names.Text(1);
            CheckRecent();
            CheckSequences();
            CheckChunks();
            CheckRows("SELECT r.blob, r.part, r.seq, g.stream FROM sluice_row r JOIN sluice_group g ON g.id = r.grp");
            CheckRows("SELECT d.blob, d.part, d.root, g.stream FROM sluice_dead d JOIN sluice_group g ON g.id = d.grp");
            CheckPartitions();
        }
        catch (SqliteFailure failure)
        {
            if (failure.IsInterrupt) cancellation.ThrowIfCancellationRequested();
            problems.Add($"The file cannot be read to its end: {failure.Message}.");
        }
        return new(entries, problems);
    }

    private void CheckSequences()
    {
        (long log, long first) = (-1, -1);
        for (int read = ChunksAtOnce; read == ChunksAtOnce;)
        {
            cancellation.ThrowIfCancellationRequested();
            read = 0;
            (long previous, long next, long total) = (-1, 0, 0);
            Statement chunks =
                database.Sql("SELECT log, first, n, bytes, total FROM sluice_chunk WHERE (log, first) > (?, ?) ORDER BY log, first LIMIT ?")
                .Put(log).Put(first).Put(ChunksAtOnce);
            while (chunks.Next())
            {
                read++;
                (log, first) = (chunks.Long(0), chunks.Long(1));
                if (log == previous && first != next) Report(
                    $"{Where(log)}: behind the entry {next - 1} follows {first}; {first - next} are missing.");
                else if (log == previous && total + chunks.Long(3) != chunks.Long(4))
                    Report($"{Where(log)}/{first}: the sum of bytes is {chunks.Long(4)}, it should be {total + chunks.Long(3)}.");
                (previous, next, total) = (log, first + chunks.Long(2), chunks.Long(4));
            }
        }
    }

    // In the order of the file, where chunks of a block are neighbours.
    private void CheckChunks()
    {
        long id = 0;
        for (int read = ChunksAtOnce; read == ChunksAtOnce;)
        {
            cancellation.ThrowIfCancellationRequested();
            read = 0;
            (long id, byte[] bytes) block = (0, []);
            Statement chunks =
                database.Sql("SELECT id, log, first, n, blob, block, start, length FROM sluice_chunk WHERE id > ? ORDER BY id LIMIT ?")
                .Put(id).Put(ChunksAtOnce);
            while (chunks.Next())
            {
                read++;
                id = chunks.Long(0);
                (long log, long first) = (chunks.Long(1), chunks.Long(2));
                if (chunks.IsNull(5))
                {
                    CheckChunk(chunks.Bytes(4), log, first, chunks.Long(3));
                    continue;
                }
                if (block.id != chunks.Long(5)) block = (chunks.Long(5), ReadBlock(chunks.Long(5)));
                (long start, long length) = (chunks.Long(6), chunks.Long(7));
                if (start >= 0 && length >= 0 && start + length <= block.bytes.Length)
                    CheckChunk(block.bytes[(int)start..(int)(start + length)], log, first, chunks.Long(3));
                else Report($"{Where(log)}/{first}: the block {block.id}, which its chunk is in, is not there or too short.");
            }
        }
    }

    private byte[] ReadBlock(long id)
    {
        Statement row = database.Sql("SELECT blob FROM sluice_block WHERE id = ?").Put(id);
        byte[] block = row.Next() ? row.Bytes(0) : [];
        row.Reset();
        return block;
    }

    // Recent blocks, whose chunks have no rows. They are few, and are compared with their predecessors.
    private void CheckRecent()
    {
        database.Execute("BEGIN");
        Statement meta = database.Sql("SELECT recent, last, roots FROM sluice_meta");
        long recent = meta.Next() ? meta.Long(0) : 1;
        List<BlockLink> links = [];
        if (BlockLink.Read(meta.Span(1)) is { } last) links.Add(last);
        if (StoreRoots.Compute(database) != meta.Long(2)) Report(StoreRoots.Damage);
        meta.Reset();
        Statement ids = database.Sql("SELECT id, before FROM sluice_block WHERE id >= ? ORDER BY id").Put(recent);
        HashSet<long> present = [];
        while (ids.Next())
        {
            present.Add(ids.Long(0));
            if (BlockLink.Read(ids.Span(1)) is { } before) links.Add(before);
        }
        foreach (BlockLink link in links) if (link.Id >= recent && !present.Contains(link.Id)) CheckLost(link);
        var ends = new Dictionary<long, (long Next, long Total)>();
        Statement blocks = database.Sql("SELECT id, n, chunks, blob FROM sluice_block WHERE id >= ? ORDER BY id").Put(recent);
        while (blocks.Next())
        {
            cancellation.ThrowIfCancellationRequested();
            if (BlockDirectory.Read(blocks.Span(2)) is { } chunks && chunks.Count == blocks.Long(1))
                CheckBlock(blocks.Long(0), chunks, blocks.Bytes(3), ends);
            else Report($"The list of what is in the block {blocks.Long(0)} does not match its checksum.");
        }
        Statement left =
            database.Sql(
            "SELECT id FROM sluice_block b WHERE id < ? AND NOT EXISTS (SELECT * FROM sluice_chunk WHERE id >= b.id AND id < b.id + b.n "
                + "AND block = b.id)").Put(recent);
        while (left.Next()) Report(Unused(left.Long(0)));
        database.Execute("COMMIT");
    }

    private void CheckLost(BlockLink link)
    {
        foreach (ChunkPlace chunk in link.Chunks)
        {
            if (chunk.Last <= StoredBlocks.TrimmedIn(database, chunk.Log)) continue;
            Report($"{Where(chunk.Log)}/{chunk.First}{(chunk.Count > 1 ? $" to {chunk.Last}" : "")} is gone with the block {link.Id}, "
                + $"which is not there.");
            lost[(chunk.Log, chunk.Last + 1)] = chunk.First;
        }
    }

    private void CheckBlock(long id, List<ChunkPlace> chunks, byte[] bytes, Dictionary<long, (long Next, long Total)> ends)
    {
        int live = 0;
        foreach (ChunkPlace chunk in chunks)
        {
            if (chunk.Last <= StoredBlocks.TrimmedIn(database, chunk.Log)) continue;
            live++;
            if ((ends.TryGetValue(chunk.Log, out (long Next, long Total) end) ? end : EndOfRows(chunk.Log)) is { } before)
            {
                // Already reported.
                if (lost.TryGetValue((chunk.Log, chunk.First), out long first) && first == before.Next)
                    before = (chunk.First, chunk.Total - chunk.Bytes);
                if (chunk.First != before.Next)
                    Report($"{Where(chunk.Log)}: behind the entry {before.Next - 1} follows {chunk.First}; {chunk.First - before.Next} "
                        + $"are missing.");
                else if (before.Total + chunk.Bytes != chunk.Total)
                    Report($"{Where(chunk.Log)}/{chunk.First}: the sum of bytes is {chunk.Total}, it should "
                        + $"be {before.Total + chunk.Bytes}.");
            }
            ends[chunk.Log] = (chunk.Last + 1, chunk.Total);
            if (chunk.Start + chunk.Length <= bytes.Length)
                CheckChunk(bytes[chunk.Start..(chunk.Start + chunk.Length)], chunk.Log, chunk.First, chunk.Count);
            else Report($"{Where(chunk.Log)}/{chunk.First}: the block {id}, which its chunk is in, is too short.");
        }
        if (live == 0) Report(Unused(id));
    }

    private (long Next, long Total)? EndOfRows(long log)
    {
        Statement last = database.Sql("SELECT first + n, total FROM sluice_chunk WHERE log = ? ORDER BY first DESC LIMIT 1").Put(log);
        if (!last.Next()) return null;
        (long, long) end = (last.Long(0), last.Long(1));
        last.Reset();
        return end;
    }

    private static string Unused(long block)
        => $"The block {block} has no entries any more: it takes room, and nothing else is wrong with it.";

    private void CheckChunk(byte[] blob, long log, long first, long count)
    {
        try
        {
            EntryChunkHeader header = EntryChunk.ReadHeader(blob, NameOf(log), PartitionOf(log));
            if (header.First != first || header.Count != count)
                Report($"{Where(log)}/{first}: the chunk says that it holds {header.Count} entries from {header.First}, its row {count} "
                    + $"from {first}.");
            var chunk = new StoredChunk(blob, header);
            for (long sequence = header.First; sequence < header.First + header.Count; sequence++) CheckEntry(chunk, log, sequence);
        }
        catch (StreamStoreException damage)
        {
            Report(damage.Message);
        }
    }

    private void CheckEntry(StoredChunk chunk, long log, long sequence)
    {
        entries++;
        try
        {
            chunk.Read(sequence, NameOf(log), PartitionOf(log));
        }
        catch (StreamStoreException damage)
        {
            Report(damage.Message);
        }
    }

    private void CheckRows(string sql)
    {
        Statement rows = database.Sql(sql);
        while (rows.Next())
        {
            cancellation.ThrowIfCancellationRequested();
            entries++;
            try
            {
                RowBlob.Read(rows.Bytes(0), rows.Long(2), streams.GetValueOrDefault(rows.Long(3), "?"), rows.Int(1));
            }
            catch (StreamStoreException damage)
            {
                Report($"{damage.Message} (It is kept apart: a waiting entry or a dead letter of {rows.Long(2)}.)");
            }
        }
    }

    private void CheckPartitions()
    {
        List<(string Stream, string Group, int Part)> partitions = [];
        Statement rows = database.Sql("SELECT s.name, g.name, s.partitions FROM sluice_stream s JOIN sluice_group g ON g.stream = s.id");
        while (rows.Next())
            for (int partition = 0; partition < Math.Min(rows.Int(2), 4096); partition++)
                partitions.Add((rows.Text(0), rows.Text(1), partition));
        foreach ((string stream, string group, int partition) in partitions)
        {
            cancellation.ThrowIfCancellationRequested();
            database.Execute("BEGIN");
            if (new PartitionCheck(database, stream, group, partition).Find(isThere: true) is { } damage) Report(damage);
            database.Execute("COMMIT");
        }
        Statement streams = database.Sql(StreamLoader.Columns);
        while (streams.Next()) if (StreamLoader.SumOf(streams) != streams.Long(9))
            Report($"What the store says of the stream {streams.Text(8)} does not match its checksum.");
    }

    private void Report(string problem)
    {
        if (problems.Count < MaxProblems) problems.Add(problem);
    }

    private string NameOf(long log) => streams.GetValueOrDefault(log >> 12, "?");
    private static int PartitionOf(long log) => (int)(log & 4095);
    private string Where(long log) => $"{NameOf(log)}/{PartitionOf(log)}";
}
