global using System.Buffers.Binary;
global using System.ComponentModel;
global using System.Diagnostics.CodeAnalysis;
global using System.Globalization;
global using System.Runtime.CompilerServices;
global using System.Text;
global using Sluice.Engine;
global using Sluice.Storage;
