namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(commit);
        commit.Check();
        foreach (ICommitAttachment attachment in commit.Attachments) commit.Refuse(attachment);
        while (true)
        {
            var outputs = new List<(CommitOutput Output, string Made, IReadOnlyList<BatchPart> Parts)>();
            StoreCommit known = commit;
            foreach (CommitOutput output in commit.Outputs)
            {
                (int partitions, string made) = await ShapeAsync(output.Stream, cancellation).ConfigureAwait(false);
                if (partitions > output.Partitions) known =
                    known with
                    {
                        Outputs = [.. known.Outputs.Select(one => ReferenceEquals(one, output)
                    ? one with { Partitions = partitions } : one)]
                    };
                outputs.Add((output, made, partitions == 0 ? [] : BatchPart.Divide(output.Entries, partitions, NextSticky(partitions))));
            }
            known.Check();
            try
            {
                return Result(commit, await CallAsync("commit", Write(commit, outputs), cancellation).ConfigureAwait(false));
            }
            catch (RefusedException refused)
            {
                CommitOutput? output = refused.Words.Length > 2
                    ? commit.Outputs[int.Parse(refused.Words[2], CultureInfo.InvariantCulture) - 1] : null;
                if (output is not null) Reconsider(refused, output.Entries, output.Stream);
            }
        }
    }

    private static Arguments Write(StoreCommit commit,
        IReadOnlyCollection<(CommitOutput Output, string Made, IReadOnlyList<BatchPart> Parts)> outputs)
    {
        EntryBatch? derived = commit.Derived;
        // Only contradictions within the commit are found here; the script finds entries that are not outstanding.
        long? contradiction = commit.FindNotOutstanding(_ => true);
        return new Arguments().Owner(commit.Owner).Number(commit.Sequence)
            .Each(commit.Settled, (to, range) => to.Number(range.First).Number(range.Last))
            .Text(contradiction is { } sequence ? sequence.ToString(CultureInfo.InvariantCulture) : "")
            .Each(commit.Deferred, (to, one) => to.Number(one.Sequence).Number(one.Attempts).Span(one.After).Text(one.Node)
            .Text(one.Error.Storable()))
            .Each(commit.Dead, (to, letter) => to.Number(letter.Sequence).Text(letter.Node).Text(letter.Error.Storable())
            .Number(letter.Attempts).Text(letter.Path)
                .Bytes(Entries.Substitute(letter.Payload)).Bytes(Entries.Substitute(letter.Headers))
                .Bytes(letter.IsDamaged ? Entries.Nothing : default))
            .Each([.. Enumerable.Range(0, derived?.Count ?? 0)], (to, index) => to.Bytes(derived!.RecordAt(index)))
            .Each(commit.State, (to, row) => to.Text(row.Node).Text(row.Key).Flag(row.Value is not null).Bytes(StateBytes.Write(row)))
            .Each(commit.FileLengths, (to, file) => to.Text(file.Name).Number(file.Length))
            .Each(outputs, (to, one) => to.Name(one.Output.Stream).Number(one.Output.ReservedItems).Number(one.Output.ReservedBytes)
                .Number(one.Output.Entries.Longest).Text(one.Made).Parts(one.Parts))
            .Each(commit.Readers, (to, reader) => to.Name(reader.Stream).Name(reader.Reader).Reader(reader.Options))
            .Each(commit.Cursors, (to, cursor) => to.Name(cursor.Stream).Name(cursor.Reader).Number(cursor.Partition).Number(cursor.Next))
            .Batches(commit.Batches)
            .Each(commit.Ends, (to, ending) => to.Name(ending.Stream).Text(Infos.Write(ending.End)));
    }

    private static CommitResult Result(StoreCommit commit, Reply reply) => reply[0].Text switch
    {
        "committed" => new(CommitStatus.Committed),
        "nogroup" => new(CommitStatus.Stale, $"the group of {commit.Owner} does not exist"),
        "void" => new(CommitStatus.Stale, $"{commit.Owner} is void: the partition was taken or released since (epoch {reply[1].Long})"),
        "applied" => new(CommitStatus.Stale, $"commit {commit.Sequence} of {commit.Owner}: {reply[1].Long} was applied already"),
        "gap" => new(CommitStatus.Gap, $"commit {commit.Sequence} of {commit.Owner} is ahead: the last one was {reply[1].Long}"),
        "outstanding" => new(CommitStatus.NotOutstanding,
            $"{commit.Owner}: entry {reply[1].Text} is not outstanding, or ends twice in this commit; nothing of it was applied"),
        _ => new(CommitStatus.OutputEnded,
            $"{commit.Owner}: the stream {commit.Outputs[reply[1].Int - 1].Stream} has ended; nothing was applied"),
    };
}
