namespace Sluice.Tests.Pipelines;

/// <summary>A random graph without cycles of shared sources, merges, brackets, routers and reused pipes, together with the expected items
/// of each piece.</summary>
/// <param name="seed">The seed.</param>
/// <param name="root">The source that all pieces begin at; null if each piece may have a source of its own.</param>
/// <param name="rootItems">The items of <paramref name="root"/>.</param>
internal sealed class RandomWiring(int seed, Source<long>? root = null, IReadOnlyList<long>? rootItems = null)
{
    private const int MaxItems = 300;

    private readonly Random random = new(seed);
    private readonly List<Piece> pieces = [];

    /// <summary>A piece of the graph, and its expected items.</summary>
    public sealed record Piece(Source<long> Source, List<long> Items);

    /// <summary>The pieces that get a sink.</summary>
    public List<Piece> Ends { get; } = [];

    public RandomWiring Grow()
    {
        int count = random.Next(2, 12);
        for (int i = 0; i < count; i++)
        {
            Piece before = Before();
            Piece piece = Next(before.Source, before.Items, i);
            if (root is not null || random.Next(4) > 0) piece = piece with { Source = piece.Source.Share() };
            pieces.Add(piece);
            if (i == count - 1 || random.Next(3) == 0) Ends.Add(piece);
        }
        return this;
    }

    private static long Plus(long n) => n + 7;

    private static long Minus(long n) => 3 - n;

    private static IEnumerable<long> Both(long n)
    {
        yield return n;
        yield return -n;
    }

    private static string Sign(long n) => n % 2 == 0 ? nameof(Plus) : nameof(Minus);

    private static int Odd(long n) => (int)Math.Abs(n % 2);

    /// <summary>A merge of some existing pieces, or a new source.</summary>
    private Piece Before()
    {
        Piece[] some = [.. pieces.Where(_ => random.Next(pieces.Count) < 2)];
        if (some.Length == 0 || some.Sum(piece => piece.Items.Count) > MaxItems) some = [New()];
        if (some is [var only]) return only;
        List<long> items = [.. some.SelectMany(piece => piece.Items)];
        return new(random.Next(2) == 0 ? Source.Merge([.. some.Select(piece => piece.Source)])
            : some[0].Source.Merge([.. some.Skip(1).Select(piece => piece.Source)]), items);
    }

    private Piece New()
    {
        if (root is not null) return new(root, [.. rootItems!]);
        int items = random.Next(0, 20);
        return new(Source.Range(100 * pieces.Count, items), [.. Enumerable.Range(100 * pieces.Count, items)]);
    }

    private Piece Next(Source<long> s, List<long> items, int add)
    {
        Pipe<long, long> p = Pipe.Of<long>() | Plus, q = Pipe.Of<long>() | Minus, chosen = Any(out Func<long, IEnumerable<long>> made);
        List<long> plus = items.ConvertAll(Plus), minus = items.ConvertAll(Minus), both = [.. plus, .. minus],
            routed = items.ConvertAll(n => n % 2 == 0 ? Plus(n) : Minus(n));
        return random.Next(16) switch
        {
            0 => new(s | (n => (3 * n) + add), items.ConvertAll(n => (3 * n) + add)),
            1 => new(s | Pipe.Where((long n) => n % 3 != 0), items.FindAll(n => n % 3 != 0)),
            2 => new(s | (n => n - add) | Stage.Parallel(2), items.ConvertAll(n => n - add)),
            3 => new(s | [t => t | Plus, t => t.Buffer(2) | Minus], both),
            4 => new(s | [p, q], both),
            5 => new(s < [p, q] > (n => n + add), both.ConvertAll(n => n + add)),
            6 => new(s | [p, q, Route.By(Sign)], routed),
            7 => new(s < [p, q, Route.By(Odd)] > Plus, routed.ConvertAll(Plus)),
            8 => new(s | Route.By(Sign, (nameof(Plus), p), (nameof(Minus), q.Buffer(1))), routed),
            9 => new(s.Route(Sign, otherwise: t => t | Minus, (nameof(Plus), t => t | Plus)), routed),
            10 => new(s | (Pipe.Merge(p, p, q) | (n => n + add)), [.. plus.Concat(both).Select(n => n + add)]),
            11 => new(s | [Meeting(), p], [.. items.Select(n => n + 5), .. items.Select(n => n + 6), .. plus]),
            12 => new(s.ForkJoin(t => t | Both, t => t | p, (n, two, one) => n + two.Sum() + one.Sum()),
                items.ConvertAll(n => n + Plus(n))),
            13 => new(s | Stage.KeyBy((long n) => n % 5, lanes: 3) | Plus, plus),
            14 => new(s | [chosen, chosen], [.. items.SelectMany(made), .. items.SelectMany(made)]),
            _ => new(s | chosen | Both, [.. items.SelectMany(made).SelectMany(Both)]),
        };
    }

    /// <summary>A pipe of one to three random stages, some with nested brackets.</summary>
    private Pipe<long, long> Any(out Func<long, IEnumerable<long>> made)
    {
        Pipe<long, long> pipe = Pipe.Of<long>();
        made = n => [n];
        for (int length = random.Next(1, 4); length > 0; length--)
        {
            Func<long, IEnumerable<long>> before = made;
            switch (random.Next(4))
            {
                case 0:
                    (pipe, made) = (pipe | Plus, n => before(n).Select(Plus));
                    break;
                case 1:
                    pipe |= (Pipe<long, long>[])[Pipe.Of<long>() | Plus, Pipe.Of<long>() | [Pipe.Of<long>() | Minus, Pipe.Of<long>()]];
                    made = n => before(n).SelectMany(m => new[] { Plus(m), Minus(m), m });
                    break;
                case 2:
                    pipe |= (BranchOrRouter<long, long>[])[Pipe.Of<long>() | Plus, Pipe.Of<long>() | Minus | Both, Route.By(Odd)];
                    made = n => before(n).SelectMany(m => m % 2 == 0 ? [Plus(m)] : Both(Minus(m)));
                    break;
                default:
                    (pipe, made) = (pipe | Meeting(), n => before(n).SelectMany(m => new[] { m + 5, m + 6 }));
                    break;
            }
        }
        return pipe;
    }

    /// <summary>A pipe with a shared source inside: it emits two items per item.</summary>
    private static Pipe<long, long> Meeting() => Pipe.Of<long>().Broadcast(s =>
    {
        Source<long> shared = (s | (n => n + 5)).Share();
        return Source.Merge(shared, shared | (n => n + 1));
    });
}
