using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>What a process remembers of streams is freed, also of those that other processes delete.</summary>
public class ForgettingTests
{
    [Fact]
    public void MarksOfPartitionsThatAreNotUsedAreForgotten()
    {
        var clock = new TestClock();
        var marks = new ChunkMarks(clock);
        marks.Add(1, 0, new(1, 10, 0, 100));
        marks.Add(2, 0, new(1, 10, 0, 100));
        clock.Advance(TimeSpan.FromSeconds(40));
        Assert.NotNull(marks.Find(1, 0, 5));
        clock.Advance(TimeSpan.FromSeconds(40));
        marks.RemoveOld();
        Assert.NotNull(marks.Find(1, 0, 5));
        Assert.Null(marks.Find(2, 0, 5));
    }
}
