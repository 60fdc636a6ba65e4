namespace Sluice.Generators;

// The messages of SLU008.
public sealed partial class BracketMisfitAnalyzer
{
    private const string Id = "SLU008";

    private static readonly RuleFamily Family = new("Brackets that fit nowhere",
        "In brackets stand ends, or branches that put out one type, and beside them at most one router.");

    internal static readonly DiagnosticDescriptor Lambda = Family.Error(Id,
        "The ends in these brackets are of several kinds, so a lambda needs the type of its parameter: write '({1} {0}) => …'");

    internal static readonly DiagnosticDescriptor Overloaded = Family.Error(Id,
        "The ends in these brackets are of several kinds, and '{0}' is overloaded or generic, so it has no type of its own: write '({1} "
            + "item) => {0}(item)'");

    internal static readonly DiagnosticDescriptor Nested = Family.Error(Id,
        "Brackets in brackets have no type. Every branch gets every item, so leave the inner ones out; a branch that divides its items "
            + "again is a pipe, 'Pipe.Of<{2}>() | {1}', or a lambda, '({0} s) => s | {1}'");

    internal static readonly DiagnosticDescriptor Empty = Family.Error(Id,
        "There is no branch in these brackets, so every item would be lost");

    internal static readonly DiagnosticDescriptor Takes = Family.Error(Id, "'{0}' takes '{1}', and '{2}' puts out '{3}'");

    internal static readonly DiagnosticDescriptor Outputs = Family.Error(Id,
        "'{0}' puts out '{1}', and '{2}' puts out '{3}': branches put out one type, so let a map at the end of each bring them to one");

    internal static readonly DiagnosticDescriptor EndAmongBranches = Family.Error(Id,
        "'{0}' is an end, and '{1}' puts out '{2}': in brackets, either all are ends or none is");

    internal static readonly DiagnosticDescriptor Ends = Family.Error(Id,
        "'{0}' is an end, and branches between '<' and '>' put something out: ends are written '… | [{0}, …]'");

    internal static readonly DiagnosticDescriptor NoPipe = Family.Error(Id, "Beside pipes and routers, a branch is a pipe: write '{0}'");

    internal static readonly DiagnosticDescriptor BesideRouter = Family.Error(Id,
        "Beside a router, a branch is a pipe, '{0}', and a lambda that ends says what it takes, '({1} s) => …'");

    internal static readonly DiagnosticDescriptor Named = Family.Error(Id,
        "Branches with names stand behind the function that chooses among them: write 'Route.By(function, {0}, …)' in place of "
            + "the brackets");

    internal static readonly DiagnosticDescriptor NoBranch = Family.Error(Id,
        "'{0}' is of type '{1}', and in brackets stand branches or ends");

    internal static readonly DiagnosticDescriptor NoPipeOrRouter = Family.Error(Id,
        "'{1}' stands beside pipes: as a branch it is '{0}', and as the function that chooses among the branches 'Route.By({1})'");

    internal static readonly DiagnosticDescriptor Map = Family.Error(Id,
        "'{0}' puts out '{1}', so it is no end: write branches, 's => s | {0}' for each, or pipes, '{2}'");

    internal static readonly DiagnosticDescriptor Consecutor = Family.Error(Id,
        "A consecutor in brackets is written as a branch: '({1} s) => s | {0}'");

    internal static readonly DiagnosticDescriptor Node = Family.Error(Id,
        "Every run and every lane has a node of its own, so a node in brackets is made by a function: 'StageNode.Of(() => {0})'");

    internal static readonly DiagnosticDescriptor Source = Family.Error(Id,
        "'{0}' is a source, and in brackets stand branches: items of another source are added behind the brackets, '(…).Merge({0})'");

    internal static readonly DiagnosticDescriptor RouterTakes = Family.Error(Id,
        "'{0}' chooses for items of type '{1}', and '{2}' puts out '{3}': write 'Route.By(({3} item) => …)'");

    internal static readonly DiagnosticDescriptor RouterReturns = Family.Error(Id,
        "'{0}' is no router: its function is a Func that takes an item, and returns the name of a branch ('string') or its index ('int')");

    internal static readonly DiagnosticDescriptor RouterLambda = Family.Error(Id,
        "C# cannot see which items the router chooses for: write '{0}'");

    internal static readonly DiagnosticDescriptor SeveralRouters = Family.Error(Id,
        "There are several routers in these brackets, and an item could go to either: put one there, which may call several functions");
}
