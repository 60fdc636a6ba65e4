using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary><c>ToString</c> of a source, a pipe or a pipeline is its definition on one line.</summary>
public class DefinitionTextTests
{
    private static readonly Source<int> Numbers = Source.From([1, 2, 3]) | Stage.Named("numbers");
    private static readonly Pipe<int, int> TwicePipe = Pipe.Of<int>() | Twice;

    private static int Twice(int n) => 2 * n;

    private static int Half(int n) => n / 2;

    private static int Next(int n) => n + 1;

    private static string Parity(int n) => n % 2 == 0 ? "even" : "odd";

    private static void Print(int n) { }

    private static void Save(int n) { }

    public static TheoryData<object, string> Pieces => new()
    {
        { Numbers, "numbers" },
        { Numbers | Twice, "numbers | Twice" },
        { Numbers | Twice | Stage.Parallel(4) | (n => n + 1) | Print, "numbers | Twice (parallel 4) | map-2 | Print" },
        { Numbers | Stage.KeyBy((int n) => n % 2, lanes: 4) | Twice | Print, "numbers | Twice (by key, 4 lanes) | Print" },
        { Pipe.Of<int>(), "Pipe.Of<int>()" },
        { Pipe.Of<int>() | Twice | Half, "Twice | Half" },
        { Pipe.Of<int>() | Twice | Print, "Twice | Print" },
        { Numbers | [Print, Save], "numbers | [Print, Save]" },
        { Numbers | Twice | [s => s | Half, s => s | Next | Half | Stage.Named("last")] | Print,
            "numbers | Twice | [Half, Next | last] | Print" },
        { Numbers | [s => s | Twice, s => s | Half] | [Print, Save], "numbers | [Twice, Half] | [Print, Save]" },
        { Numbers | [s => s | Twice | [t => t | Half, t => t | Next], s => s | Next | Stage.Named("other")] | Print,
            "numbers | [Twice | [Half, Next], other] | Print" },
        { Numbers | [s => s | Twice | Print, s => s | Half | [Save, Print] | Stage.Named("both")],
            "numbers | [Twice | Print, Half | both | [Save, Print-2]]" },
        { Numbers.Route(Parity, ("even", s => s | Twice), ("odd", s => s)) | Print, "numbers | Parity | [even: Twice, odd: _] | Print" },
        { Source.Merge(Numbers | Twice, Source.Of(1)) | Print, "[numbers | Twice, source-2] | merge-1 | Print" },
        { Numbers < [TwicePipe, Pipe.Of<int>() | Half] > Next, "numbers | [Twice, Half] | Next" },
        { Pipe.Of<int>() | [Print, Save], "[Print, Save]" },
        { Pipe.Of<int>() | [TwicePipe, Pipe.Of<int>() | Half], "[Twice, Half]" },
        { Pipe.Of<int>() | [TwicePipe, Pipe.Of<int>() | Half] | Next | Print, "[Twice, Half] | Next | Print" },
        { Pipe.Of<int>() | [s => s | Twice, s => s] | Print, "[Twice, _] | Print" },
        { Pipe.Of<int>() | [s => s, s => s], "broadcast-1" },
        { Pipe.Of<int>() | [Print, Save] | Stage.Named("both"), "both | [Print, Save]" },
    };

    [Theory]
    [MemberData(nameof(Pieces))]
    public void ToStringReadsLikeTheDefinition(object piece, string text) => Assert.Equal(text, piece.ToString());

    [Fact]
    public void ToStringExplainsWhyAPipelineCannotBeDrawn()
    {
        Pipeline twice = Numbers | Twice | Stage.Named("a") | Half | Stage.Named("a") | Print;
        Assert.StartsWith("(cannot be drawn: ", twice.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"a\"", twice.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ToStringDrawsATreeWhereBracketsDoNotSuffice()
    {
        Pipeline crossed = Numbers | [s => s | [t => t | Twice, t => t | Half], s => s] | [Print, Save];
        Assert.Equal(crossed.Topology.ToText(), crossed.ToString());

        Source<int> large = Numbers;
        for (int i = 0; i < 1_000; i++) large = large.Where(n => n > 0);
        Assert.Equal(large.Topology.ToText(), large.ToString());
    }

    /// <summary>Random nested branches: each node is written once, and the brackets match.</summary>
    [Fact]
    public void NestedBranchesAreWrittenOnce()
    {
        int onOneLine = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            Source<int> source = Grow(Numbers, 3);
            string text = source.ToString();
            if (text.Contains('\n', StringComparison.Ordinal)) continue;       // crossed brackets are drawn as a tree
            if (text.Contains('[', StringComparison.Ordinal)) onOneLine++;
            foreach (TopologyNode node in source.Topology.Nodes)
                Assert.True(text.Split([" | ", "[", "]", ", ", ": "], StringSplitOptions.None).Count(part => part == node.ToString()) == 1,
                    $"seed {seed}: {node} in {text}");
            Assert.Equal(text.Count(c => c == '['), text.Count(c => c == ']'));

            Source<int> Grow(Source<int> from, int depth)
            {
                for (int length = random.Next(1, 4); length > 0; length--)
                {
                    from = (depth == 0 ? 0 : random.Next(4)) switch
                    {
                        1 => from | [s => Grow(s, depth - 1), s => Grow(s, depth - 1)],
                        2 => from.Route(Parity, ("even", s => Grow(s, depth - 1)), ("odd", s => s)),
                        3 => from | Half,
                        _ => from | Twice,
                    };
                }
                return from;
            }
        }
        Assert.True(onOneLine > 60, $"{onOneLine} of 300 graphs have branches and are written on one line.");
    }

    [Fact]
    public void ADeadLetterSurvivesAThrowingToStringOrMessage()
    {
        var letter = new DeadLetter("Geocode", new Mute(), "no", 2, DateTimeOffset.UnixEpoch);
        Assert.Equal("Mute (its ToString threw NotSupportedException) failed in Geocode after 2 attempts: no", letter.ToString());
        Assert.Equal("1 failed in Geocode after 1 attempt: (its Message threw NotSupportedException)",
            new DeadLetter("Geocode", 1, "no", 1, DateTimeOffset.UnixEpoch) { Exception = new MuteException() }.ToString());
        Assert.Contains("…", new DeadLetter("Geocode", new string('x', 10_000), "no", 1, DateTimeOffset.UnixEpoch).ToString(),
            StringComparison.Ordinal);
        Assert.Equal("> Geocode: Mute (its ToString threw NotSupportedException)",
            new ItemLogEntry("Geocode", false, new Mute(), DateTimeOffset.UnixEpoch).ToString());
    }

    private sealed class Mute
    {
        public override string ToString() => throw new NotSupportedException();
    }

    private sealed class MuteException : Exception
    {
        public override string Message => throw new NotSupportedException();
    }
}
