using System.Reflection;
using System.Runtime.Loader;

namespace Sluice.Cli.Graphs;

/// <summary>Reads the graph of a member that the user has named. This runs the code of the member, as the user has asked.</summary>
internal static class MemberGraph
{
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The topology; its type is that of the assembly's own version of Sluice.</summary>
    public static object Read(string file, GraphMember member)
    {
        try
        {
            Assembly assembly = new OfFile(Path.GetFullPath(file)).LoadFromAssemblyPath(Path.GetFullPath(file));
            int dot = member.Name.LastIndexOf('.');
            // Nested types are written with a dot, and named with a plus.
            Type type = assembly.GetTypes().First(one => one.FullName?.Replace('+', '.') == member.Name[..dot]);
            object? value = Value(type, member.Name[(dot + 1)..]);
            if (value is null) throw CommandException.NotFound($"{member.Name} is null.");
            if (value.GetType().FullName == "Sluice.Flows.Flow") value = ((dynamic)value).Resolve();
            return value.GetType().FullName == "Sluice.Topologies.Topology" ? value : (object)((dynamic)value).Topology;
        }
        catch (TargetInvocationException thrown)
        {
            Exception cause = thrown.InnerException is TypeInitializationException { InnerException: { } inner } ? inner
                : thrown.InnerException ?? thrown;
            throw CommandException.NotFound($"{member.Name} has failed: {cause.Message} ({cause.GetType().Name})");
        }
        catch (Exception missing) when (missing is FileNotFoundException or FileLoadException or BadImageFormatException
            or ReflectionTypeLoadException)
        {
            throw CommandException.NotFound($"{file} cannot be loaded: {missing.Message} Build it first, and name the file in its "
                + "output folder, beside its dependencies. Assemblies that need more than .NET and ASP.NET Core, such as those of "
                + "desktop programs, cannot be loaded.");
        }
    }

    private static object? Value(Type type, string name)
        => type.GetProperty(name, Static) is { } property ? property.GetValue(null)
            : type.GetField(name, Static) is { } field ? FieldOf(field)
            : type.GetMethod(name, Static, []) is { } method ? method.Invoke(null, null)
            : throw CommandException.NotFound($"{type.FullName} has no member {name}.");

    private static object? FieldOf(FieldInfo field)
    {
        try
        {
            return field.GetValue(null);
        }
        catch (TypeInitializationException failed)
        {
            throw new TargetInvocationException(failed);
        }
    }

    // The assembly with its own dependencies, and so with its own version of Sluice.
    private sealed class OfFile(string file) : AssemblyLoadContext(file)
    {
        private readonly AssemblyDependencyResolver resolver = new(file);

        protected override Assembly? Load(AssemblyName assemblyName)
            => resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;

        protected override IntPtr LoadUnmanagedDll(string unmanagedDllName)
            => resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : IntPtr.Zero;
    }
}
