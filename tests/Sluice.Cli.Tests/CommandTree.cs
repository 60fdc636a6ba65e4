using System.Collections;
using System.Reflection;
using System.Runtime.Loader;
using Sluice.Samples.Tests;

namespace Sluice.Cli.Tests;

/// <summary>A command of <c>sluice</c>: its words, and whether its first argument is a store.</summary>
internal sealed record CommandNode(string Name, bool HasStore);

/// <summary>All commands, read from the program itself: a new command without a test makes the tests fail.</summary>
internal static class CommandTree
{
    private static readonly Lazy<IReadOnlyList<CommandNode>> Read = new(ReadAll);

    public static IReadOnlyList<CommandNode> All => Read.Value;

    /// <summary>Asserts that a table of commands has all of them, and no others.</summary>
    public static void AssertIsComplete(IEnumerable<string> table, Func<CommandNode, bool>? which = null)
        => Assert.Equal(All.Where(which ?? (static _ => true)).Select(static one => one.Name).Order(StringComparer.Ordinal),
            table.Order(StringComparer.Ordinal));

    private static List<CommandNode> ReadAll()
    {
        string path = Path.Combine(SampleProcess.DirectoryOf("Sluice.Cli"), "Sluice.Cli.dll");
        var context = new AssemblyLoadContext("sluice", isCollectible: false);
        var resolver = new AssemblyDependencyResolver(path);
        context.Resolving += (loading, name) => resolver.ResolveAssemblyToPath(name) is { } file
            ? loading.LoadFromAssemblyPath(file) : null;
        MethodInfo create = context.LoadFromAssemblyPath(path).GetType("Sluice.Cli.Program")!
            .GetMethod("CreateRoot", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        List<CommandNode> found = [];
        Add((dynamic)create.Invoke(null, null)!, "");
        return found;

        void Add(dynamic parent, string prefix)
        {
            foreach (dynamic command in (IEnumerable)parent.Subcommands)
            {
                string name = prefix + (string)command.Name;
                // The list is of an internal type, on which dynamic finds no members.
                object? first = ((IEnumerable)command.Arguments).Cast<object>().FirstOrDefault();
                found.Add(new(name, first is not null && ((dynamic)first).Name == "STORE"));
                Add(command, name + " ");
            }
        }
    }
}
