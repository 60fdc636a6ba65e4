using System.Collections;
using Sluice.Producers;

namespace Sluice.Tests.Producers.Logs;

public sealed class LogJournalTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("sluice-journal-").FullName;

    /// <summary>As on a full disk.</summary>
    [Fact]
    public void ARewriteThatFailsKeepsTheOldJournalAndMayBeRepeated()
    {
        string path = Path.Combine(directory, "journal");
        using LogJournal journal = LogJournal.Open(new("in", path, LogJournal.Share), 0, 0, static _ => { });
        journal.Add([default]);
        long number = journal.Number;

        Assert.Throws<IOException>(() => journal.Renew(new FailingRows()));

        using (File.Open(path + ".next", FileMode.Open, FileAccess.ReadWrite, FileShare.None)) Assert.Equal(number, journal.Number);
        journal.Renew([default, default]);
        Assert.Equal(2, journal.Count);
    }

    /// <summary>Between the two calls, a position that names the new journal is stored: that may take long.</summary>
    [Fact]
    public void NoOtherRunTakesAJournalWhileItIsRewritten()
    {
        string path = Path.Combine(directory, "journal");
        using LogJournal journal = LogJournal.Open(new("in", path, LogJournal.Share), 0, 0, static _ => { });
        AssertIsTaken();
        journal.Renew([default]);
        AssertIsTaken();
        journal.Replace();
        AssertIsTaken();

        void AssertIsTaken()
        {
            using var second = new JournalClaim("in", path, LogJournal.Share);
            Assert.Contains("A producer has one run at a time.", Assert.Throws<IOException>(second.Take).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A program is tried in the real directory, or a service gets another database.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(200)]
    public async Task AStartWithAnotherStoreKeepsTheJournalOfTheFirstOne(int files)
    {
        await using var lab = new LogLab();
        string[] names = [.. Enumerable.Range(0, files).Select(static file => $"{file:D3}.log")];
        foreach (string name in names) lab.Write(name, "a\n");
        await lab.AcceptAsync(lab.Lines("*.log"));
        await using (var other = new LogLab())
            for (int start = 0; start < 3; start++) await other.AcceptAsync(lab.Lines("*.log"));
        foreach (string name in names) lab.Write(name, "b\n");
        string journal = lab.At(".logs.lines"), kept = journal + ".before";
        if (files > 100)
        {
            Assert.Contains($"The journal {journal} has rows that this store does not know. It is kept as {kept}", Assert.Single(lab.Warnings),
                StringComparison.Ordinal);
            var failure = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(lab.Lines("*.log")));
            Assert.Contains($"{kept} is the journal: a run with another store has put it there.", failure.Message,
                StringComparison.Ordinal);
            File.Move(kept, journal, overwrite: true);
        }
        await lab.AcceptAsync(lab.Lines("*.log"));
        Assert.Equal(2 * files, (await lab.AcceptedAsync()).Lines.Length);
    }

    [Fact]
    public void AJournalThatIsKeptTakesNoOthersName()
    {
        string path = Path.Combine(directory, "journal");
        List<string> told = [];
        for (int store = 0; store < 3; store++)
        {
            using LogJournal journal = LogJournal.Open(new("in", path, LogJournal.Share), 0, 0, static _ => { }, told.Add);
            journal.Add([default]);
        }
        Assert.Equal(["journal", "journal.before", "journal.before-2"], Directory.GetFiles(directory).Select(Path.GetFileName).Order());
        Assert.Equal(2, told.Count);
    }

    /// <summary>The process ends after rows were written, and before a line was accepted with them.</summary>
    /// <remarks>Each such start warned, and kept one more file.</remarks>
    [Fact]
    public void RowsOfTheSameJournalThatNoPositionNamesAreDropped()
    {
        string path = Path.Combine(directory, "journal");
        List<string> told = [];
        long number = Live(0);
        for (int start = 0; start < 3; start++) Assert.Equal(number, Live(number));
        Assert.Equal(("journal", 0), (Path.GetFileName(Assert.Single(Directory.GetFiles(directory))), told.Count));

        long Live(long stored)
        {
            using LogJournal journal = LogJournal.Open(new("in", path, LogJournal.Share), stored, 0, static _ => Assert.Fail(),
                told.Add);
            Assert.Equal(0, journal.Count);
            journal.Add([default]);
            return journal.Number;
        }
    }

    /// <summary>A process dies while its journal is rewritten, before or behind the acceptance of the new one; then a program with another
    /// store starts.</summary>
    /// <remarks>A process may end while it rewrites its journal. A start with the first store then wrote the rewritten journal over that of
    /// the other store. A start with the other store wrote over the rewritten one.</remarks>
    [Theory]
    [InlineData(false, ".before")]
    [InlineData(true, ".before-2")]
    public void AJournalThatWasBeingRewrittenIsKeptFromAnotherStore(bool isAccepted, string kept)
    {
        string path = Path.Combine(directory, "journal");
        long first, other;
        using (LogJournal journal = Open(0, 0))
        {
            journal.Add([default, default]);
            first = journal.Number;
            journal.Renew([default, default]);
            if (isAccepted) first = journal.Number;
        }
        using (LogJournal journal = Open(0, 0))
        {
            journal.Add([default]);
            other = journal.Number;
        }
        var failure = Assert.Throws<InvalidDataException>(() => Open(first, 2));
        Assert.Contains($"{path}{kept} is the journal", failure.Message, StringComparison.Ordinal);
        using (LogJournal journal = Open(other, 1)) journal.Renew([default]);
        File.Delete(path + ".next");
        File.Move(path + kept, path, overwrite: true);
        using (LogJournal journal = Open(first, 2)) Assert.Equal(2, journal.Count);

        LogJournal Open(long number, long count) => LogJournal.Open(new("in", path, LogJournal.Share), number, count, static _ => { });
    }

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private sealed class FailingRows : ICollection<LogRow>
    {
        public int Count => 1;

        public bool IsReadOnly => true;

        public void Add(LogRow item) => throw new NotSupportedException();

        public void Clear() => throw new NotSupportedException();

        public bool Contains(LogRow item) => throw new NotSupportedException();

        public void CopyTo(LogRow[] array, int arrayIndex) => throw new NotSupportedException();

        public bool Remove(LogRow item) => throw new NotSupportedException();

        public IEnumerator<LogRow> GetEnumerator() => throw new IOException("No space left on device");

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
