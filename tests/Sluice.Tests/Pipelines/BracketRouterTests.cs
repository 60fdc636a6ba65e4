using static Sluice.Pipe;

namespace Sluice.Tests.Pipelines;

/// <summary>A router beside the branches in brackets, as in the original library. Branches can also be values in a chain.</summary>
public sealed class BracketRouterTests
{
    private static readonly RunOptions SingleThread = new() { Mode = ExecutionMode.SingleThread };
    private static readonly Source<int> Numbers = Source.From([1, 2, 3, 4]) | Stage.Named("numbers");
    private static readonly Pipe<int, string> EvenPipe = Of<int>() | Even, OddPipe = Of<int>() | Odd;

    private static string Even(int n) => $"e{n}";

    private static string Odd(int n) => $"o{n}";

    private static string Parity(int n) => n % 2 == 0 ? nameof(Even) : nameof(Odd);

    private static int Remainder(int n) => n % 2;

    private static string Marked(string text) => $"{text}!";

    public static TheoryData<Source<string>, string> Routed => new()
    {
        { Numbers | [EvenPipe, OddPipe, Route.By(Parity)] | Marked, "numbers | Parity | [Even: Even, Odd: Odd] | Marked" },
        { Numbers | [Route.By(Parity), OddPipe, EvenPipe] | Marked, "numbers | Parity | [Odd: Odd, Even: Even] | Marked" },
        { Numbers | [EvenPipe, OddPipe, Route.By(Remainder)] | Marked, "numbers | Remainder | [Even, Odd] | Marked" },
        { Numbers | [EvenPipe, OddPipe, Route.By((int n) => n % 2)] | Marked, "numbers | route-1 | [Even, Odd] | Marked" },
        { Numbers | [Of<int>() | Even | Stage.Named("Odd"), Of<int>() | Odd | Stage.Named("Even"), Route.By((int n) => Parity(n + 1))]
            | Marked, "numbers | route-1 | [Odd: Odd, Even: Even] | Marked" },
        { Numbers < [EvenPipe, OddPipe, Route.By(Parity)] > Marked, "numbers | Parity | [Even: Even, Odd: Odd] | Marked" },
        { Numbers | (Of<int>() | [EvenPipe, OddPipe, Route.By(Parity)] | Marked), "numbers | Parity | [Even: Even, Odd: Odd] | Marked" },
        { Numbers | (Of<int>() < [EvenPipe, OddPipe, Route.By(Remainder)] > Marked), "numbers | Remainder | [Even, Odd] | Marked" },
        { Numbers | Route.By(Parity, (nameof(Even), EvenPipe), (nameof(Odd), OddPipe)) | Marked,
            "numbers | Parity | [Even: Even, Odd: Odd] | Marked" },
        { Numbers | Route.By(Parity, OddPipe, (nameof(Even), EvenPipe)) | Marked,
            "numbers | Parity | [Even: Even, otherwise: Odd] | Marked" },
        { Numbers | (Of<int>() | Route.By(Remainder, EvenPipe, OddPipe)) | Marked, "numbers | Remainder | [Even, Odd] | Marked" },
    };

    [Theory, MemberData(nameof(Routed), DisableDiscoveryEnumeration = true)]
    public async Task ARouterChoosesAmongTheBranchesBesideIt(Source<string> routed, string text)
    {
        Assert.Equal(text, routed.ToString());
        Assert.Equal(["o1!", "e2!", "o3!", "e4!"], await routed.ToListAsync(SingleThread));
        Assert.Equal(["e2!", "e4!", "o1!", "o3!"], (await routed.ToListAsync()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ARouterChoosesAmongSinks()
    {
        List<int> even = [], odd = [];
        void EvenEnd(int n) => even.Add(n);
        void OddEnd(int n) => odd.Add(n);
        foreach (Pipeline pipeline in (Pipeline[])
        [
            Numbers | [EvenEnd, OddEnd, Route.By((int n) => $"{Parity(n)}End")],
            Numbers | [EvenEnd, (Source<int> s) => s | (n => n) | Stage.Named("kept") | OddEnd,
                Route.By((int n) => n % 2 == 0 ? nameof(EvenEnd) : "kept")],
            Numbers | (Of<int>() | [Sink.Of<int>(EvenEnd), Of<int>() | (n => n) | OddEnd, Route.By(Remainder)]),
        ])
        {
            even.Clear();
            odd.Clear();
            await pipeline.RunAsync(SingleThread);
            Assert.Equal([2, 4], even);
            Assert.Equal([1, 3], odd);
        }
    }

    [Fact]
    public async Task ABranchIsNamedAfterItsNodeClass()
    {
        Pipe<int, int> doubled = StageNode.Of(() => new Doubler()),
            kept = Of<int>() | Stage.KeyBy((int n) => n) | (n => n) | Stage.Named("kept");
        Assert.Equal([1, 4, 3, 8], await (Numbers | [doubled, kept,
            Route.By((int n) => n % 2 == 0 ? nameof(Doubler) : "kept")]).ToListAsync(SingleThread));
    }

    [Fact]
    public async Task AnUnknownBranchNameFailsItsItem()
    {
        Source<string> routed = Numbers | [EvenPipe, Route.By(Parity)];
        Assert.Contains("there is no branch 'Odd'. There are: Even.",
            (await Assert.ThrowsAsync<PipelineException>(() => routed.ToListAsync())).Message, StringComparison.Ordinal);
        Assert.Equal(["e2", "e4"], await (routed | Stage.OnError(ErrorPolicy.Skip)).ToListAsync());
    }

    [Fact]
    public void BracketsThatCannotBeRoutedAreRefusedWithAdvice()
    {
        Assert.Contains("Two branches are called 'Even'. An item could go to either. Give each a name",
            Refused(() => Numbers | [EvenPipe, EvenPipe, Route.By(Parity)]), StringComparison.Ordinal);
        Assert.Contains("Branch 2 in brackets has no name that a router could return",
            Refused(() => Numbers | [EvenPipe, Of<int>() | (n => ""), Route.By(Parity)]), StringComparison.Ordinal);
        Assert.Contains("Branch 1 in brackets has no name", Refused(() => Numbers | [Of<int>() | [EvenPipe, OddPipe], Route.By(Parity)]),
            StringComparison.Ordinal);
        Assert.Contains("Branch 2 in brackets has no name",
            Refused(() => Source.From(["a"]) | [Of<string>() | Marked, Of<string>(), Route.By((string s) => s)]), StringComparison.Ordinal);
        Assert.Contains("There are 2 routers in one pair of brackets",
            Refused(() => Numbers | [EvenPipe, OddPipe, Route.By(Parity), Route.By(Remainder)]), StringComparison.Ordinal);
        Assert.Contains("a router in brackets, and no branch beside it", Refused(() => Numbers | [Route.By(Parity)]),
            StringComparison.Ordinal);

        static string Refused(Func<object> definition) => Assert.Throws<ArgumentException>(definition).Message;
    }

    [Fact]
    public void ANullBranchIsRefusedWhereItIsWritten()
    {
        foreach (Func<object> definition in (Func<object>[])
        [
            () => Numbers | [EvenPipe, null!],
            () => Numbers | [EvenPipe, null!, Route.By(Parity)],
            () => Numbers | Route.By(Remainder, EvenPipe, null!),
            () => Numbers | Route.By(Parity, (nameof(Even), (Pipe<int, string>)null!)),
            () => Numbers | Route.By(Parity, (null!, EvenPipe)),
            () => Numbers | (Routing<int, string>)null!,
            () => Merge(EvenPipe, null!),
            () => Pipe.RoundRobin(EvenPipe, null!),
            () => Route.By((Func<int, string>)null!),
        ]) Assert.ThrowsAny<ArgumentException>(definition);
    }

    [Fact]
    public async Task MergedBranchesFitIntoAChain()
    {
        Pipe<int, string> merged = Merge(EvenPipe, OddPipe) | Marked;            // [p, q] | r
        Assert.Equal("numbers | [Even, Odd] | Marked", (Numbers | merged).ToString());
        Assert.Equal(["e1!", "o1!", "e2!", "o2!", "e3!", "o3!", "e4!", "o4!"], await (Numbers | merged).ToListAsync(SingleThread));
        Assert.Equal(["e1", "o2", "e3", "o4"], await (Numbers | Pipe.RoundRobin(EvenPipe, OddPipe)).ToListAsync(SingleThread));
        Assert.Throws<ArgumentException>(() => Merge<int, int>());
    }

    [Fact]
    public async Task JoinAndZipFitIntoAChain()
    {
        Source<string> words = Source.From(["one", "three"]);
        Assert.Equal(["1 one", "3 one", "3 three"], (await (Numbers
            | Join(words, (int n) => n % 2, word => word.Length % 2, (n, word) => $"{n} {word}")
            | Pipe.Where((string pair) => pair != "1 three")).ToListAsync(SingleThread)).Order(StringComparer.Ordinal));
        Assert.Equal(["1 one", "2 three"], await (Numbers
            | Pipe.Zip(words, (int n, string word) => $"{n} {word}")).ToListAsync(SingleThread));
    }

    private sealed class Doubler : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(2 * item);
    }
}
