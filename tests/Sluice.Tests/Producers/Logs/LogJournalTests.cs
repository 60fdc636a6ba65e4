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
